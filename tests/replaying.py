"""Logs and plans for tests of replays: a reference of three weeks, and logs of the days after it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np

from monitor.instant import SECOND, from_text, to_text
from monitor.pipeline.plan import ModelPlan
from monitor.reference import ReferenceSettings
from monitor.sources.files import FilesSettings
from monitor.window import WindowSettings

BEGIN = from_text("2013-01-22")
HOUR = 3600 * SECOND
PER_HOUR = 40


def record(at: int, number: int, rng: np.random.Generator, shift: float = 0.0) -> dict[str, object]:
    """Return one record as the reference's are; ``shift`` moves its temperature."""
    hour = at / HOUR % 24
    score = float(rng.uniform())
    return {
        "timestamp": to_text(at),
        "request_id": f"n{number}",
        "model_version": "1",
        "inputs": {
            "temp": 10 + 5 * float(np.sin(hour / 24 * 2 * np.pi)) + float(rng.normal()) + shift,
            "wind": float(rng.gamma(2.0, 3.0)),
            "carrier": str(rng.choice(["UA", "AA", "DL"])),
        },
        "prediction": int(score > 0.5),
        "score": score,
    }


def write_log(path: Path, days: float, *, shift_from: float | None = None, seed: int = 7) -> Path:
    """Write so many days of records, 40 an hour, in order; from a day on the temperature is 4 degrees higher."""
    rng = np.random.default_rng(seed)
    times = np.sort(BEGIN + rng.integers(0, int(days * 24 * HOUR), int(days * 24 * PER_HOUR)))
    lines = []
    for number, at in enumerate(times.tolist()):
        shifted = shift_from is not None and at >= BEGIN + shift_from * 24 * HOUR
        lines.append(json.dumps(record(at, number, rng, 4.0 if shifted else 0.0)) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))
    return path


def plan_of(root: Path, reference: Path, name: str = "flights", log: str = "logs/*.jsonl") -> ModelPlan:
    """Return the plan of a model with windows of an hour."""
    window = WindowSettings(length=timedelta(hours=1), every=timedelta(hours=1), min_rows=20)
    records = (FilesSettings(path=log),)
    return ModelPlan(name, "binary", root, records, ReferenceSettings(path=str(reference)), window=window)
