"""Latency and volume against what is usual, through the whole pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.instant import to_text
from monitor.pipeline.plan import ModelPlan
from monitor.store.database import State
from monitor.window import WindowSettings
from tests.contracts import schemas
from tests.passes import Told, opened, replayed, restarted
from tests.worlds import BEGIN, HOUR, plan_of

DAY = 24 * HOUR
WINDOW = WindowSettings(length=timedelta(days=1), every=timedelta(days=1), min_rows=20)
DAYS, ROWS = 80, 40
"""Days of the log, 56 of which are learnt from where no reference tells, and mean rows of a day."""


def day(number: int, rows: float = ROWS, factor: float = 1.0) -> list[dict[str, Any]]:
    """Return the records of a day."""
    rng = np.random.default_rng((5, number + 1000))
    many = rng.poisson(rows)
    times = BEGIN + number * DAY + np.sort(rng.integers(0, DAY, many))
    taken = factor * rng.lognormal(1, 0.3, many)
    values = rng.normal(0, 1, many)
    return [
        {
            "timestamp": to_text(int(at)),
            "request_id": f"{number}-{place}",
            "model_version": "1",
            "inputs": {"x": round(float(value), 3)},
            "latency_ms": round(float(each), 3),
        }
        for place, (at, value, each) in enumerate(zip(times, values, taken, strict=True))
    ]


def plan(root: Path, records: list[dict[str, Any]], *, latency: bool = True, sampled: float = 1.0) -> ModelPlan:
    """Lay out a log and a reference of 90 days before it, and return the plan."""
    before = [record for number in range(-90, 0) for record in day(number)]
    rng = np.random.default_rng(1)
    before = [record for record in before if rng.random() < sampled]
    columns: dict[str, list[Any]] = {"inputs.x": [record["inputs"]["x"] for record in before]}
    columns |= {"timestamp": [record["timestamp"] for record in before]}
    if latency:
        columns["latency_ms"] = [record["latency_ms"] for record in before]
    pq.write_table(pa.table(columns), root / "reference.parquet")
    (root / "log.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return plan_of(root, task="none", window=WINDOW)


def changed_from(first: int, make: Callable[[int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the log, with other days from one on."""
    return [record for number in range(DAYS) for record in (day(number) if number < first else make(number))]


def usual(told: Told, kind: str, key: str) -> list[Any]:
    """Return one figure of what is usual, window by window."""
    return [body["usual"][kind][key] for body in told.windows]


def alerts(told: Told, name: str) -> list[tuple[str, str]]:
    """Return why each alert of a name was told, and of what."""
    found = [alert for alert in told.alerts if alert["name"] == name]
    return [(alert["reason"], alert["diagnosis"]["causes"][0]["kind"]) for alert in found]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPlan, Told]:
    """A log that is slow from day 70 on, with a reference that tells no latency."""
    made = plan(tmp_path_factory.mktemp("learnt"), changed_from(70, lambda n: day(n, factor=2.0)), latency=False)
    return made, replayed(made)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state."""
    with opened(tmp_path) as state:
        yield state


def test_latency_is_learnt_where_the_reference_has_none(learnt: tuple[ModelPlan, Told]) -> None:
    """The stream's first 56 steps are learnt from, which the window says; the change after them is found."""
    told = learnt[1]
    assert usual(told, "latency", "why")[:57] == ["learning"] * 55 + [None] * 2
    assert usual(told, "latency", "source")[60] == "stream"
    assert alerts(told, "latency") == [("first_time", "unusual")]
    assert told.alerts[0]["diagnosis"]["causes"][0]["factor"] == pytest.approx(2, rel=0.25)


def test_restarts_change_nothing(learnt: tuple[ModelPlan, Told], state: State) -> None:
    """What is learnt, and the evidence, come back from the store: windows and alerts are the replay's, bit for bit."""
    found = restarted(learnt[0], state, windows=27)
    assert found.windows == learnt[1].windows
    assert found.alerts == learnt[1].alerts


def test_every_window_keeps_the_contract(learnt: tuple[ModelPlan, Told]) -> None:
    """What is usual stands in the window under keys that are promised."""
    assert [schemas.faults(schemas.WINDOW, body) for body in learnt[1].windows] == [[]] * DAYS


def test_a_reference_s_latency_is_judged_by_at_once(tmp_path: Path) -> None:
    """Where the reference tells latencies nothing is learnt; an episode ends once it is as usual again."""
    records = [r for n in range(30) for r in day(n, factor=2.0 if 10 <= n < 20 else 1.0)]
    told = replayed(plan(tmp_path, records))
    assert set(usual(told, "latency", "source")) == {"reference"}
    assert alerts(told, "latency") == [("first_time", "unusual"), ("resolved", "unusual")]


def test_a_reference_s_volume_is_believed_once_it_is_confirmed(tmp_path: Path) -> None:
    """After twelve steps with as many records as the reference has, its volume is what is usual."""
    told = replayed(plan(tmp_path, changed_from(40, lambda n: day(n, rows=ROWS / 3))[: 60 * ROWS]))
    assert usual(told, "volume", "source")[:13] == [None] * 11 + ["reference"] * 2
    assert alerts(told, "volume") == [("first_time", "unusual")]


def test_a_sample_s_volume_is_not_believed(tmp_path: Path) -> None:
    """A reference that holds a third of the rows says nothing of the volume: the stream is learnt from."""
    told = replayed(plan(tmp_path, changed_from(DAYS, day), sampled=0.33))
    assert usual(told, "volume", "source")[50:57] == [None] * 5 + ["stream"] * 2
    assert told.alerts == []
