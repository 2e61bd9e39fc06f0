"""A world of three carriers: its reference, and logs in which one carrier's amounts move."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitor.pipeline.plan import ModelPlan
from monitor.record_layout import ColumnsSettings
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, write_log, write_reference

ROWS = 180
"""Rows of an hour: 90, 54 and 36 of the three carriers."""


def hours(first: int, number: int, *, moved: str = "", shift: float = 0.0, version: str = "1") -> list[Json]:
    """Return the records of some hours; the amounts of the carrier ``moved`` are greater by ``shift``."""
    found = list(World(seed=1, rows=ROWS, version=version).hours(first, number))
    for record in found:
        inputs = record["inputs"]
        if inputs["carrier"] == moved and inputs["amount"] is not None:
            inputs["amount"] += shift
    return found


def prepare(root: Path, records: Iterable[Json]) -> None:
    """Write the reference and the log of a folder."""
    write_reference(root / "reference.parquet", World(rows=ROWS))
    write_log(root / "log.jsonl", records)


def segmented(root: Path, *segments: Any, most: int = 20, **changes: Any) -> ModelPlan:
    """Return the plan of a folder's model, judged by segments."""
    columns = ColumnsSettings(segments=[*segments], most_segments=most)
    return plan_of(root, columns=columns, **changes)


def at(hour: int) -> int:
    """Return the instant of an hour of the log."""
    return BEGIN + hour * HOUR
