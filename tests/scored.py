"""A model whose answers can be wrong: its reference with targets, its log, and the targets that come later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.instant import from_text, to_text
from monitor.pipeline.plan import ModelPlan
from monitor.sources.files import FilesSettings
from tests.worlds import BEGIN, HOUR, Json, plan_of

REFERENCE_HOURS, ROWS = 60, 60
CLASSES = ("cat", "dog", "eel")
ITEMS = tuple(f"item{number}" for number in range(12))


@dataclass(frozen=True, slots=True)
class Answered:
    """One record, and its target."""

    record: Json
    target: Any


def binary(rng: np.random.Generator, wrong: float) -> tuple[Json, Any]:
    """Answer yes or no; the target differs in a share ``wrong`` of the answers."""
    prediction = int(rng.random() < 0.4)
    score = round(float(0.5 + (0.2 + 0.3 * rng.random()) * (1 if prediction else -1)), 4)
    return {"prediction": prediction, "score": score}, prediction ^ int(rng.random() < wrong)


def multiclass(rng: np.random.Generator, wrong: float) -> tuple[Json, Any]:
    """Name one of three animals, with the probability of each."""
    best = int(rng.integers(3))
    scores = np.full(3, wrong / 2)
    scores[best] = 1 - wrong
    target = best if rng.random() >= wrong else (best + int(rng.integers(1, 3))) % 3
    named = {name: round(float(score), 4) for name, score in zip(CLASSES, scores, strict=True)}
    return {"prediction": CLASSES[best], "score": named}, CLASSES[target]


def regression(rng: np.random.Generator, wrong: float) -> tuple[Json, Any]:
    """Foretell a number; the error has the standard deviation ``wrong``."""
    value = float(rng.normal(20, 5))
    return {"prediction": round(value, 4)}, round(value + float(rng.normal(0, wrong)), 4)


def ranking(rng: np.random.Generator, wrong: float) -> tuple[Json, Any]:
    """Recommend five items; the first is what was wanted, but for a share ``wrong``."""
    shown = rng.permutation(len(ITEMS))
    wanted = shown[5] if rng.random() < wrong else shown[0]
    return {"prediction": [ITEMS[place] for place in shown[:5]]}, ITEMS[int(wanted)]


def multilabel(rng: np.random.Generator, wrong: float) -> tuple[Json, Any]:
    """Name some of four labels; each is wrong in a share ``wrong``."""
    flags = rng.random(4) < 0.5
    true = flags ^ (rng.random(4) < wrong)
    return {"prediction": [ITEMS[i] for i in range(4) if flags[i]]}, [ITEMS[i] for i in range(4) if true[i]]


Draw = Callable[[np.random.Generator, float], tuple[Json, Any]]


def hour_of(number: int, wrong: float, draw: Draw = binary, version: str = "1") -> list[Answered]:
    """Return the records of an hour counted from ``BEGIN``, in order of time; the same for the same hour."""
    rng = np.random.default_rng((number + 10_000, ROWS))
    at = BEGIN + number * HOUR
    times = at + np.sort(rng.integers(0, HOUR, ROWS))
    found = []
    for place, time in enumerate(times.tolist()):
        answer, target = draw(rng, wrong)
        inputs = {"amount": round(float(rng.normal(10, 3)), 3)}
        head = {"timestamp": to_text(time), "request_id": f"{version}-{number}-{place}", "model_version": version}
        found.append(Answered({**head, "inputs": inputs, **answer}, target))
    return found


def hours_of(numbers: Iterable[int], wrong: float, draw: Draw = binary) -> list[Answered]:
    """Return the records of some hours."""
    return [each for number in numbers for each in hour_of(number, wrong, draw)]


def write_reference(root: Path, wrong: float, draw: Draw = binary, *, with_targets: bool = True) -> None:
    """Write the hours before ``BEGIN`` as a flat reference."""
    found = hours_of(range(-REFERENCE_HOURS, 0), wrong, draw)
    columns: dict[str, list[Any]] = {"inputs.amount": [each.record["inputs"]["amount"] for each in found]}
    for name in ("prediction", "score"):
        values: list[Any] = [each.record.get(name) for each in found]
        if isinstance(values[0], dict):
            columns |= {f"{name}.{key}": [value[key] for value in values] for key in values[0]}
        elif values[0] is not None:
            columns[name] = values
    if with_targets:
        columns["target"] = [each.target for each in found]
    times = pa.array([from_text(each.record["timestamp"]) for each in found], pa.int64())
    pq.write_table(
        pa.table({"timestamp": times.cast(pa.timestamp("us", "UTC")), **columns}), root / "reference.parquet"
    )


def write_records(root: Path, found: Iterable[Answered]) -> None:
    """Append to the log."""
    with (root / "log.jsonl").open("a") as file:
        file.writelines(json.dumps(each.record) + "\n" for each in found)


def write_targets(root: Path, found: Iterable[Answered], hours: float = 1.0, *, name: str = "targets.jsonl") -> None:
    """Append targets, each known so many hours after its record."""
    with (root / name).open("a") as file:
        for each in found:
            at = from_text(each.record["timestamp"]) + round(hours * HOUR)
            row = {"request_id": each.record["request_id"], "target": each.target, "timestamp": to_text(at)}
            file.write(json.dumps(row) + "\n")


def scored_plan(root: Path, **changes: Any) -> ModelPlan:
    """Return the plan of a model with targets, which are known an hour after their records."""
    settings = {"targets": FilesSettings(path="targets*.jsonl"), "delay": timedelta(hours=1)}
    return plan_of(root, **settings | {"horizon": timedelta(hours=12)} | changes)
