"""The same inferences by every way in which they may come: what is kept of them is the same, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from monitor.instant import SECOND, from_text, to_text
from monitor.store.segment import OUTCOMES, ROWS, load_rows, segments
from tests.passes import WALL, opened, passed
from tests.sources.ways import WAYS, Logged
from tests.worlds import World, plan_of, write_reference

CALM, SHIFTED = 24, 16
"""Hours in which nothing drifts, then such in which the amount is one standard deviation higher."""
TABLES = ("window", "performance", "pane", "memory", "counts", "rejection", "alert", "action", "target")
"""All that is kept of what was read, but for the places it was read at, and the rows, which lie in files."""


@pytest.fixture(scope="module")
def logged() -> Logged:
    """Give records of some windows, in whole milliseconds, and targets of most of them a minute after each."""
    world = World(seed=4)
    drawn = [*world.hours(0, CALM), *replace(world, shift=1.0).hours(CALM, SHIFTED)]
    records = [
        record
        | {
            "timestamp": to_text(from_text(record["timestamp"]) // 1000 * 1000),
            "latency_ms": float(round(record["latency_ms"] * 100)),
        }
        for record in drawn
    ]
    targets = [
        {
            "timestamp": to_text(from_text(record["timestamp"]) + 60 * SECOND),
            "request_id": record["request_id"],
            "target": int(record["score"] < 0.3) ^ (number % 7 == 0),
        }
        for number, record in enumerate(records)
        if number % 5
    ]
    return records, targets


def kept_of(way: str, folder: Path, logged: Logged) -> Mapping[str, Any]:
    """Return what a state holds after what was logged has come by a way."""
    write_reference(folder / "reference.parquet")
    with WAYS[way](folder, logged) as changes, opened(folder) as state:
        passed(plan_of(folder, delay=timedelta(minutes=2), **changes), state)
        with state.read() as connection:
            kept = {table: _sorted(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in TABLES}  # noqa: S608
            kept["memory"] = [_without_settings(row) for row in kept["memory"]]
            for kind in (ROWS, OUTCOMES):
                found = load_rows(state.directory, segments(connection, "shop", 0, WALL, kind=kind), 0, WALL).table
                kept[kind] = [] if found is None else _sorted(found.to_pylist())
    return kept


def _without_settings(row: Any) -> Any:
    """Leave out of the progress by which config it was made: that names the source."""
    model, version, name, payload = row
    if name != "progress":
        return row
    return model, version, name, {key: value for key, value in json.loads(payload).items() if key != "settings"}


def _sorted(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=repr)


@pytest.fixture(scope="module")
def of_lines(tmp_path_factory: pytest.TempPathFactory, logged: Logged) -> Mapping[str, Any]:
    """Give what is kept of one log of JSON lines."""
    return kept_of("jsonl", tmp_path_factory.mktemp("jsonl"), logged)


def test_the_log_has_something_to_tell(of_lines: Mapping[str, Any], logged: Logged) -> None:
    """Windows of several verdicts were closed and scored, an alert fired, and no record was left out."""
    assert len(of_lines["window"]) == CALM + SHIFTED
    assert len({row[5] for row in of_lines["window"]}) > 1
    assert of_lines["alert"]
    assert len(of_lines["performance"]) == CALM + SHIFTED - 1  # the last is due at the next close
    assert {row[1]: row[2:5] for row in of_lines["counts"]}["records"] == (len(logged[0]), 0, len(logged[0]))
    assert len(of_lines["target"]) == len(logged[1])
    assert (len(of_lines[ROWS]), len(of_lines[OUTCOMES])) == (len(logged[0]), len(logged[0]))


@pytest.mark.parametrize("way", [way for way in WAYS if way != "jsonl"])
def test_every_way_gives_the_same(way: str, tmp_path: Path, logged: Logged, of_lines: Mapping[str, Any]) -> None:
    """Windows, verdicts, evidence, panes, alerts, counts, rows and targets are those of a log of JSON lines."""
    found = kept_of(way, tmp_path, logged)
    assert [part for part in of_lines if found[part] != of_lines[part]] == []
