"""The source that reads a spool: the contract of every source, and what comes twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.formats.event import Event, to_line
from monitor.sources.http import KEY, HttpSource
from monitor.sources.pairing import EventSettings
from monitor.sources.position import Position
from monitor.sources.spool.frames import Content, written
from monitor.sources.spool.writer import Spool

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
MINUTE = 60_000_000


def row(number: int, **more: Any) -> dict[str, Any]:
    """Return a record."""
    base = {"timestamp": f"2026-01-05T00:00:{number % 60:02}Z", "request_id": f"id-{number}", "inputs": {"x": number}}
    return base | more


def put(folder: Path, at: int, *rows: Any, rejected: dict[str, int] | None = None) -> None:
    """Write records into a spool, as those of one request."""
    spool = Spool(folder, 2**30, lambda: 0)
    data = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in rows).encode()
    spool.write(written(Content.RECORDS, at, data, rejected or {}))
    spool.close()


def tell(folder: Path, at: int, *parts: tuple[str, int]) -> None:
    """Write halves of inferences into a spool, each as an event of its own."""
    spool = Spool(folder, 2**30, lambda: 0)
    for part, number in parts:
        body = {"instances": [{"x": number}]} if part == "request" else {"predictions": [number]}
        type_ = f"org.kubeflow.serving.inference.{part}"
        event = Event(type_, "pod", f"id-{number}", f"2026-01-05T00:00:{number:02}Z", {}, json.dumps(body).encode())
        spool.write(written(Content.EVENTS, at, to_line(event), {}))
    spool.close()


def source(folder: Path, dedup: int = 10 * MINUTE, block: int = 1) -> HttpSource:
    """Return a source; of so small a block it reads one request at a time."""
    return HttpSource(folder, LAYOUT, dedup, block, clock=lambda: 0)


def drained(source: HttpSource, positions: dict[str, Position]) -> list[Batch]:
    """Read all that there is, keeping positions."""
    found = []
    while (batch := source.read(positions)) is not None:
        positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
        found.append(batch)
    return found


def numbers(batches: list[Batch]) -> list[float]:
    """Return the values of the one feature."""
    return [value for batch in batches for value in batch.table["inputs.x"].to_pylist()]


def test_nothing_came_yet(tmp_path: Path) -> None:
    """Without a spool there is nothing to read, and nothing wrong."""
    empty = source(tmp_path / "none")
    assert (empty.read({}), empty.problem()) == (None, None)


def test_the_same_position_gives_the_same_records(tmp_path: Path) -> None:
    """A position read twice, by one source or by another, gives the same batch."""
    put(tmp_path, 1, row(1), row(2), row(1))
    put(tmp_path, 2, row(3), row(2))
    first = source(tmp_path)
    positions = {KEY: first.read({}).position}  # type: ignore[union-attr]
    found = [first.read(positions), first.read(positions), source(tmp_path).read(positions)]
    assert [each.table.to_pydict() for each in found if each] == [
        {"timestamp": [1767571203000000], "inputs.x": [3.0], "request_id": ["id-3"]}
    ] * 3
    assert len({each.position for each in found if each}) == 1


@pytest.mark.parametrize("block", [1, 300, 2**20])
def test_blocks_change_nothing(tmp_path: Path, block: int) -> None:
    """However much is read at once, the records and the refusals are the same."""
    for at in range(40):
        put(tmp_path, at * MINUTE, row(at), row(at - 3), "no JSON", rejected={"too_long": 1})
    found = drained(source(tmp_path, block=block), {})
    assert numbers(found) == [0.0, -3.0, 1.0, -2.0, 2.0, -1.0, *map(float, range(3, 40))]
    refused = [str(rejected.reason) for batch in found for rejected in batch.rejected]
    assert {reason: refused.count(reason) for reason in set(refused)} == {
        "json_syntax": 40,
        "too_long": 40,
        "duplicate": 37,
    }


def test_what_came_before_a_restart_is_known_after_it(tmp_path: Path) -> None:
    """A record that is sent again after the daemon was killed is refused as one that was read already."""
    put(tmp_path, 1, row(1), row(2))
    positions: dict[str, Position] = {}
    drained(source(tmp_path), positions)
    put(tmp_path, 2, row(2), row(3))
    assert numbers(drained(source(tmp_path), positions)) == [3.0]


def test_what_was_not_kept_is_read_again(tmp_path: Path) -> None:
    """Where a transaction failed, the batch comes again, and is no repeat of itself."""
    put(tmp_path, 1, row(1))
    reader = source(tmp_path)
    reader.read({})
    assert numbers(drained(reader, {})) == [1.0]


@pytest.mark.parametrize("dedup", [0, MINUTE])
def test_dedup_looks_back_so_far(tmp_path: Path, dedup: int) -> None:
    """After that long, and without it at once, the same id is another record."""
    put(tmp_path, 0, row(1))
    put(tmp_path, MINUTE + MINUTE // 4 if dedup else 1, row(1))
    assert numbers(drained(source(tmp_path, dedup), {})) == [1.0, 1.0]


def test_records_without_an_id_are_known_by_all_they_hold(tmp_path: Path) -> None:
    """Two records without an id are one if they hold the same, however it is written."""
    bare = {"timestamp": "2026-01-05T00:00:01Z", "inputs": {"x": 5}}
    put(tmp_path, 1, bare, json.dumps(dict(reversed(bare.items()))), bare | {"inputs": {"x": 6}})
    assert numbers(drained(source(tmp_path), {})) == [5.0, 6.0]


def test_segments_stay_while_they_are_remembered(tmp_path: Path) -> None:
    """What is read is removed, but for what is still needed to know a repeat."""
    positions: dict[str, Position] = {}
    for at in range(30):
        put(tmp_path, at * MINUTE, row(at))
        drained(source(tmp_path), positions)
    source(tmp_path).read(positions)
    assert 10 <= len(list(tmp_path.iterdir())) <= 13


def test_time_is_told_over_all_that_came(tmp_path: Path) -> None:
    """The position's newest event time is that of all requests so far, also where one of the future was set aside."""
    put(tmp_path, 1, row(30))
    put(tmp_path, 2, row(10))
    positions: dict[str, Position] = {}
    drained(source(tmp_path), positions)
    assert positions[KEY].newest == 1767571230000000
    lowered = {KEY: replace(positions[KEY], newest=1767571200000000)}
    put(tmp_path, 3, row(5))
    batch = source(tmp_path).read(lowered)
    assert batch is not None
    assert batch.position.newest == 1767571205000000


HALVES = [
    ("request", 1),
    ("request", 2),
    ("response", 2),
    ("response", 3),
    ("request", 2),
    ("response", 1),
    ("request", 3),
]
"""Two of them in one order, one in the other; one comes twice."""


@pytest.mark.parametrize("restart", range(len(HALVES) + 1))
@pytest.mark.parametrize("block", [1, 2**20])
def test_a_restart_between_two_halves_changes_nothing(tmp_path: Path, restart: int, block: int) -> None:
    """Wherever the daemon was killed, each inference becomes one record, and what came twice is refused once."""
    positions: dict[str, Position] = {}
    tell(tmp_path, 1, *HALVES[:restart])
    found = drained(source(tmp_path, block=block), positions)
    tell(tmp_path, 2, *HALVES[restart:])
    found += drained(source(tmp_path, block=block), positions)
    assert numbers(found) == [2.0, 1.0, 3.0]
    assert [str(rejected.reason) for batch in found for rejected in batch.rejected] == ["duplicate"]
    assert positions[KEY].held == ()


def test_segments_stay_while_a_half_waits(tmp_path: Path) -> None:
    """What a held event stands in is not removed, however much was read since."""
    positions: dict[str, Position] = {}
    tell(tmp_path, 0, ("request", 1))
    for at in range(4):
        put(tmp_path, at, row(10 + at))
        drained(source(tmp_path, dedup=0), positions)
    tell(tmp_path, 5, ("response", 1))
    assert numbers(drained(source(tmp_path, dedup=0), positions)) == [1.0]
    source(tmp_path, dedup=0).read(positions)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_half_is_given_up_though_nothing_more_comes(tmp_path: Path) -> None:
    """A request whose response never comes is a record once its time is up, and never a second one."""
    now = 0
    tell(tmp_path, 0, ("request", 1))
    reader = HttpSource(tmp_path, LAYOUT, 0, 1, EventSettings(), clock=lambda: now)
    positions: dict[str, Position] = {}
    assert numbers(drained(reader, positions)) == []
    now = 5 * MINUTE
    assert numbers(drained(reader, positions)) == [1.0]
    assert numbers(drained(HttpSource(tmp_path, LAYOUT, 0, 1, EventSettings(), clock=lambda: now), positions)) == []


def test_events_and_records_share_one_order(tmp_path: Path) -> None:
    """What comes as records and what comes as events is read in the order in which it came."""
    put(tmp_path, 1, row(7))
    tell(tmp_path, 2, ("request", 1), ("response", 1))
    put(tmp_path, 3, row(8))
    assert numbers(drained(source(tmp_path, block=2**20), {})) == [7.0, 1.0, 8.0]
