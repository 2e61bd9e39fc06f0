"""Objectives on how a model is served, through the whole pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.instant import SECOND
from monitor.performance.settings import PerformanceSettings
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.sources.files import FilesSettings
from monitor.sources.prometheus.settings import PrometheusSettings
from monitor.store.database import State
from monitor.usage import amounts
from tests.contracts import schemas
from tests.passes import WALL, Told, opened, plain, replayed, restarted
from tests.worlds import World, plan_of, reference_table, write_log

OBJECTIVES = [
    {"metric": "latency_p99", "at_most": "50ms"},
    {"metric": "error_rate", "at_most": "1 %"},
    {"metric": "volume", "at_least": 30},
    {"metric": "freshness", "at_most": "10m"},
    {"metric": "resource.tokens.mean", "at_most": 120},
]
HOURS = 24
HOUR = 3_600 * SECOND
SLOW, FAILING, DEAR, THIN = range(8, 10), range(14, 16), range(20, 24), range(18, 20)
"""Hours in which a third is slow, a fifth fails, all cost double, and half an hour has no record."""


def faulty(hour: int) -> list[dict[str, Any]]:
    """Return the records of an hour, with what goes wrong in it."""
    records = list(World().hours(hour, 1))
    if hour in THIN:
        records = [record for record in records if record["timestamp"][14:16] < "25"][:20]
    for place, record in enumerate(records):
        record["latency_ms"] += 100 * (hour in SLOW and place % 3 == 0)
        record["error"] = "timeout" if hour in FAILING and place % 5 == 0 else None
        record["resources"] = {"tokens": 100 + place % 7 + 100 * (hour in DEAR)}
    return records


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPlan, Told]:
    """A day with objectives, and what a replay of it tells."""
    directory = tmp_path_factory.mktemp("served")
    pq.write_table(reference_table(), directory / "reference.parquet")
    write_log(directory / "log.jsonl", [record for hour in range(HOURS) for record in faulty(hour)])
    performance = PerformanceSettings.model_validate({"objectives": OBJECTIVES})
    made = plan_of(directory, performance=performance)
    return made, replayed(made)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Give a state of its own."""
    with opened(tmp_path) as found:
        yield found


def objectives(told: Told, metric: str, key: str) -> list[Any]:
    """Return one figure of an objective, window by window."""
    return [next(each[key] for each in body["objectives"] if each["metric"] == metric) for body in told.windows]


def told_of(told: Told, name: str) -> list[tuple[int, str, str]]:
    """Return the alerts of a name: hour of the window, why, and what is said of it first."""
    return [
        (int(alert["at"][11:13]) - 1, alert["reason"], alert["diagnosis"]["causes"][0]["detail"].partition(" ")[0])
        for alert in told.alerts
        if alert["name"] == name
    ]


def test_a_budget_that_burns_alerts_at_once(served: tuple[ModelPlan, Told]) -> None:
    """A third of slow records for an hour is a page in that hour; it is over when the hour's rate is calm again."""
    assert told_of(served[1], "latency")[:2] == [(8, "first_time", "latency_p99"), (11, "resolved", "latency_p99")]


def test_errors_burn_a_budget_too(served: tuple[ModelPlan, Told]) -> None:
    """A fifth of failed records is told of by the same alert, which stands for how the model is served."""
    assert told_of(served[1], "latency")[2:4] == [(14, "first_time", "error_rate"), (17, "resolved", "error_rate")]


def test_an_objective_without_a_budget_waits(served: tuple[ModelPlan, Told]) -> None:
    """The cost is over its limit from hour 20 on; with ``for: 2`` that is told in hour 21."""
    assert told_of(served[1], "latency")[4:] == [(21, "first_time", "resource.tokens.mean")]
    assert objectives(served[1], "resource.tokens.mean", "broken")[18:22] == [False, False, True, True]


def test_volume_and_freshness_are_told_of_together(served: tuple[ModelPlan, Told]) -> None:
    """Too few and too old records are one episode of the alert on volume."""
    alert = next(alert for alert in served[1].alerts if alert["name"] == "volume")
    assert [cause["detail"] for cause in alert["diagnosis"]["causes"]] == [
        "volume at least 30: 20",
        f"freshness at most 10m: {objectives(served[1], 'freshness', 'value')[19]:.4g}",
    ]


def test_a_window_shows_errors_and_resources(served: tuple[ModelPlan, Told]) -> None:
    """What the records say of errors and of what they used is in the window."""
    window = served[1].windows[14]
    assert window["errors_ratio"] == pytest.approx(12 / 60)
    assert window["resources"]["tokens"]["sum"] == sum(100 + place % 7 for place in range(60))


def test_a_budget_is_used_up(served: tuple[ModelPlan, Told]) -> None:
    """What was burnt in two hours is gone from the month's budget: two hours at 33 times the rate, of 720."""
    assert objectives(served[1], "latency_p99", "budget_left_ratio")[-1] == pytest.approx(1 - 2 * 33.3 / 720, abs=0.02)


def test_restarts_change_nothing(served: tuple[ModelPlan, Told], state: State) -> None:
    """Ledgers and alerts come back from the store: a run with a new process a window is the replay, bit for bit."""
    found = restarted(served[0], state)
    assert found.windows == served[1].windows
    assert found.alerts == served[1].alerts


def test_small_blocks_change_nothing(served: tuple[ModelPlan, Told]) -> None:
    """How the log is cut into batches is not seen."""
    found = replayed(served[0], block_bytes=5000)
    assert (found.windows, found.alerts) == (served[1].windows, served[1].alerts)


def test_every_window_and_alert_keeps_the_contract(served: tuple[ModelPlan, Told]) -> None:
    """The objects have the keys that other programs read."""
    assert [schemas.faults(schemas.WINDOW, body) for body in served[1].windows] == [[]] * HOURS
    assert json.dumps(served[1].windows, allow_nan=False)


def test_an_older_version_s_volume_is_no_news(tmp_path: Path) -> None:
    """Once another version has the records, the old one is not blamed for having none."""
    pq.write_table(reference_table(), tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", [*World().hours(0, 3), *World(version="2").hours(3, 5)])
    performance = PerformanceSettings.model_validate({"objectives": OBJECTIVES[2:4]})
    told = replayed(plan_of(tmp_path, performance=performance))
    assert told.alerts == []


@pytest.fixture
def scored(tmp_path: Path) -> ModelPlan:
    """Six hours of answers that are all wrong, as far as is known: the third has no targets; and objectives."""
    table = reference_table()
    targets = [int(place % 10 < 3) for place in range(table.num_rows)]
    pq.write_table(table.append_column("target", pa.array(targets)), tmp_path / "reference.parquet")
    records = write_log(tmp_path / "log.jsonl", World().hours(0, 6))
    known = [
        {"request_id": record["request_id"], "target": 1 - record["prediction"], "timestamp": record["timestamp"]}
        for record in records
        if record["timestamp"][11:13] != "02"
    ]
    write_log(tmp_path / "targets.jsonl", known)
    asked = [{"metric": "accuracy", "at_least": 0.7}, {"metric": "accuracy", "at_least": 0.8, "share": 0.9}]
    performance = PerformanceSettings.model_validate({"objectives": asked})
    known_later = {"targets": FilesSettings(path="targets.jsonl"), "delay": timedelta(hours=1)}
    return plan_of(tmp_path, performance=performance, **known_later)


def test_an_objective_on_performance_is_told_of_when_targets_are_known(scored: ModelPlan) -> None:
    """A score whose interval lies under what is promised breaks the objective, which the alert on performance says."""
    told = replayed(scored)
    alert = next(alert for alert in told.alerts if alert["name"] == "performance")
    details = [cause["detail"] for cause in alert["diagnosis"]["causes"]]
    assert "accuracy at least 0.7: 0" in details


def test_what_is_known_of_performance_stands_in_each_window(scored: ModelPlan, state: State) -> None:
    """Unknown before the first targets; then what was known last, in a run as in a replay, hours without included."""
    told = replayed(scored)
    assert objectives(told, "accuracy", "value") == [None, *[0.0] * 5]
    assert objectives(told, "accuracy", "broken") == [None, *[True] * 5]
    assert told.windows[-1]["objectives"][1]["budget_left_ratio"] == pytest.approx(1 - 5 / 720 / 0.1, abs=1e-3)
    again: list[Any] = []
    for _ in range(5):
        pipeline = Pipeline(scored, state)  # a new process for every window
        closed = next(pipeline.step(WALL))
        again += [body["objectives"] for body in map(plain, closed.windows)]
        pipeline.close()
    assert again == [body["objectives"] for body in told.windows[:5]]


SCRAPED = {"type": "prometheus", "url": "http://127.0.0.1:8000/metrics", "metrics": {"queue": "waiting"}}


def test_what_was_scraped_stands_in_the_window_of_its_time(served: tuple[ModelPlan, Told]) -> None:
    """A window has what the model server told while it lasted, beside what records say, and objectives may name it."""
    objective = {"metric": "resource.queue.mean", "at_most": 5}

    def used(start: int, end: int) -> dict[str, Any]:
        hours = range(start // HOUR % 24, start // HOUR % 24 + (end - start) // HOUR)
        return {"queue": amounts(np.array([float(hour) for hour in hours for _ in range(60)]))}

    plan = replace(
        served[0],
        performance=PerformanceSettings.model_validate({"objectives": [objective]}),
        resources=PrometheusSettings.model_validate(SCRAPED),
        used=used,
    )
    told = replayed(plan)
    assert plan.reference_plan.resources == ()
    assert [window["resources"]["queue"]["mean"] for window in told.windows] == list(range(HOURS))
    assert [set(window["resources"]) for window in told.windows] == [{"queue"}] * HOURS
    assert objectives(told, "resource.queue.mean", "broken") == [False] * 6 + [True] * (HOURS - 6)
