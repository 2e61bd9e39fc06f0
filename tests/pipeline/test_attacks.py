"""Who can send records can try to cause retrainings: none of these ways buys more than the budget.

Each attack runs through the whole pipeline, in ``auto``, against a job that always succeeds at once, so that nothing
but the gate stands in its way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.action import RetrainSettings
from monitor.instant import from_text, to_text
from monitor.pipeline.acting import report
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.quality.settings import QualitySettings
from tests.segments.slices import segmented
from tests.worlds import BEGIN, HOUR, Json, World, write_log, write_reference

CALM, HOURS, ROWS = 5, 24, 90
BUDGET = 2
RETRAIN: Json = {"receiver": "job", "mode": "auto", "cooldown": "1h", "budget": f"{BUDGET} per 7d", "min_targets": 0}
WORLD = World(seed=1, rows=ROWS)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a reference once."""
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    write_reference(path, World(rows=ROWS))
    return path


def targeted(hour: int) -> list[Json]:
    """Put absurd amounts into one row of a hundred."""
    found = WORLD.hour(BEGIN + hour * HOUR)
    for record in found[:: 100 if hour >= CALM else len(found) + 1]:
        record["inputs"]["amount"] = 1e6
    return found


def flood(hour: int) -> list[Json]:
    """Have one client of three send seven times as much as ever, and other amounts."""
    found = WORLD.hour(BEGIN + hour * HOUR)
    if hour < CALM:
        return found
    more = World(seed=2, rows=ROWS * 6 // 5, shift=3.0, version="1").hour(BEGIN + hour * HOUR)
    for place, record in enumerate(more):
        record["request_id"] = f"flood-{hour}-{place}"
        record["inputs"]["carrier"] = "DL"
    return sorted([*found, *more], key=lambda record: str(record["timestamp"]))


def flipped(hour: int) -> list[Json]:
    """Send numbers as texts."""
    found = WORLD.hour(BEGIN + hour * HOUR)
    for record in found if hour >= CALM else ():
        record["inputs"]["amount"] = f"{record['inputs']['amount']} EUR"
    return found


def converted(hour: int) -> list[Json]:
    """Send counts in another unit: no count is a fraction."""
    found = WORLD.hour(BEGIN + hour * HOUR)
    for record in found if hour >= CALM else ():
        record["inputs"]["count"] = round(record["inputs"]["count"] * 1.609344, 3)
    return found


def replayed(hour: int) -> list[Json]:
    """Send the drifted records of one hour every hour, as if they were new."""
    if hour < CALM:
        return WORLD.hour(BEGIN + hour * HOUR)
    found = replace(WORLD, shift=2.0).hour(BEGIN + CALM * HOUR)
    later = (hour - CALM) * HOUR
    return [record | {"timestamp": to_text(from_text(record["timestamp"]) + later)} for record in found]


def repeated(hour: int) -> list[Json]:
    """Send them twice an hour."""
    return [record for each in replayed(hour) for record in [each] * (2 if hour >= CALM else 1)]


def alternating(hour: int) -> list[Json]:
    """Drift for three hours, and be calm for three."""
    drifts = hour >= CALM and (hour - CALM) // 3 % 2 == 0
    return replace(WORLD, shift=3.0 if drifts else 0.0).hour(BEGIN + hour * HOUR)


def flickering(hour: int) -> list[Json]:
    """Drift in every other hour."""
    return replace(WORLD, shift=3.0 if hour >= CALM and hour % 2 else 0.0).hour(BEGIN + hour * HOUR)


def honest(hour: int) -> list[Json]:
    """Let the world change for good, by less than a standard deviation."""
    return replace(WORLD, shift=0.8 if hour >= CALM else 0.0).hour(BEGIN + hour * HOUR)


def decisions(folder: Path, reference: Path, hourly: Callable[[int], list[Json]], **retrain: Any) -> list[Json]:
    """Play an attack, with a job that succeeds at once; return every decision of the gate."""
    (folder / "reference.parquet").symlink_to(reference)
    write_log(folder / "log.jsonl", (record for hour in range(HOURS) for record in hourly(hour)))
    plan = _plan(folder, segments=["carrier"] if hourly is flood else [], **retrain)
    pipeline = Pipeline(plan, event_clock=True, block_bytes=ROWS * 300)
    for _ in pipeline.step(0):
        _succeed(pipeline)
    pipeline.close()
    return [each for body in pipeline.model.actions.values() for each in body["decisions"]]


def _plan(folder: Path, segments: list[str], **retrain: Any) -> ModelPlan:
    settings = RetrainSettings.model_validate(RETRAIN | retrain)
    quality = QualitySettings.model_validate({"duplicates": {"at_most": 0.01}})
    return segmented(folder, *segments, retrain=settings, quality=quality)


def _succeed(pipeline: Pipeline) -> None:
    for ident, body in list(pipeline.model.actions.items()):
        after = report(body, "succeeded", None)
        if after is not None:
            pipeline.model.actions[ident] = after


def whys(found: Iterable[Json]) -> Counter[str]:
    """Return how often each decision was taken."""
    return Counter(each["why"] for each in found)


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (targeted, None),
        (flood, "concentrated"),
        (flipped, "data_fault"),
        (converted, "data_fault"),
        (repeated, "data_fault"),
        (replayed, None),
        (alternating, "budget_spent"),
        (flickering, None),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_no_attack_buys_more_than_the_budget(
    tmp_path: Path, reference: Path, attack: Callable[[int], list[Json]], says: str | None
) -> None:
    """Whatever is sent, retrainings stay within the budget; what the gate sees through, it starts not even once."""
    found = decisions(tmp_path, reference, attack)
    asked = sum(each["status"] == "requested" for each in found)
    assert asked <= BUDGET
    assert says is None or says in whys(found)
    assert says in {None, "budget_spent"} or asked == 0


def test_without_a_gate_an_attack_would_buy_more(tmp_path: Path, reference: Path) -> None:
    """The attack that the budget ends asks for more than that, so the budget is what ends it."""
    found = decisions(tmp_path, reference, alternating, cooldown="0s", budget="99 per 7d")
    assert whys(found)["gate_open"] > BUDGET


def test_honest_drift_is_answered_within_five_windows(tmp_path: Path, reference: Path) -> None:
    """A change that stays starts a retraining soon, with all of the gate in its way."""
    (first, *_) = decisions(tmp_path, reference, honest)
    assert (first["status"], first["why"]) == ("requested", "gate_open")
    assert BEGIN + CALM * HOUR < from_text(first["at"]) <= BEGIN + (CALM + 5) * HOUR + HOUR // 12
