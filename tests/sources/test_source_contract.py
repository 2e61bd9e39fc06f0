"""What is promised of every source, whatever it reads: each rule is tried on each of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from monitor.config.model import SourceSettings
from monitor.instant import to_text
from monitor.sources.batch import Batch
from monitor.sources.position import Position
from monitor.sources.source import Source
from tests.sources.logs import START
from tests.sources.offered import OFFERED, Offered

SECOND = 1_000_000
ROWS = 10


@pytest.fixture(params=OFFERED)
def offered(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Offered]:
    """Give each source's place, with some rows."""
    made = OFFERED[request.param](tmp_path)
    made.put(rows(0, ROWS))
    yield made
    made.close()


def rows(first: int, end: int) -> list[dict[str, Any]]:
    """Return rows in order of time."""
    return [
        {"timestamp": to_text(START + number * SECOND), "request_id": f"id-{number}", "inputs": {"x": float(number)}}
        for number in range(first, end)
    ]


def kept(positions: dict[str, Position], batch: Batch) -> None:
    """Keep a batch's position as a store does."""
    positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))


def drained(source: Source, positions: dict[str, Position]) -> list[Batch]:
    """Read all that there is."""
    found = []
    while (batch := source.read(positions)) is not None:
        kept(positions, batch)
        found.append(batch)
    return found


def ids(batches: list[Batch]) -> list[str]:
    """Return the ids of what was read, in a row's order."""
    return [id_ for batch in batches for id_ in batch.table["request_id"].to_pylist()]


def told(batch: Batch | None) -> Any:
    """Return what a batch says, but for ``hold``: that is lower where it is not known yet that other parts are read."""
    assert batch is not None
    return batch.file, batch.table.to_pydict(), batch.position, batch.rejected, batch.mismatched


def named(count: int) -> list[str]:
    """Return the ids of so many rows."""
    return sorted(f"id-{number}" for number in range(count))


def test_every_source_of_the_config_is_tried() -> None:
    """What a config may name as a source of records is among those that these rules are tried on."""
    union = get_args(SourceSettings)[0]
    types = {get_args(get_args(each)[0].model_fields["type"].annotation)[0] for each in get_args(union)}
    assert types == {each.type for each in OFFERED.values()}


def test_a_position_gives_the_same_records_however_often_it_is_read(offered: Offered) -> None:
    """A batch depends on what lies there and on the positions, not on what the source has read before."""
    source, positions = offered.open(), dict[str, Position]()
    for _ in range(ROWS):
        first = source.read(positions)
        if first is None:
            break
        other = offered.open()
        assert told(first) == told(source.read(positions)) == told(other.read(positions))
        other.close()
        kept(positions, first)
    assert source.read(positions) is None
    source.close()


def test_a_reader_that_dies_between_reading_and_keeping_loses_and_doubles_nothing(offered: Offered) -> None:
    """Each batch is read by a reader that is abandoned as it is, and again by the next, which keeps it."""
    positions, found = dict[str, Position](), list[Batch]()
    for _ in range(2 * ROWS):
        offered.open().read(positions)  # and nothing of it is kept, nor closed
        source = offered.open()
        batch = source.read(positions)
        source.close()
        if batch is None:
            break
        kept(positions, batch)
        found.append(batch)
    assert sorted(ids(found)) == named(ROWS)
    assert len(found) > 2


def test_positions_only_grow_and_outlive_being_written_down(offered: Offered) -> None:
    """Of each part the place and the newest event time never go back, but where another object begins."""
    source, positions = offered.open(), dict[str, Position]()
    while (batch := source.read(positions)) is not None:
        before, after = positions.get(batch.file), batch.position
        assert Position.from_json(json.loads(json.dumps(after.to_json()))) == after
        assert (
            before is None or batch.begins or (before.offset, before.newest or 0) <= (after.offset, after.newest or 0)
        )
        assert before is None or before != after
        kept(positions, batch)
    source.close()


def test_closing_twice_is_closing_once(offered: Offered) -> None:
    """A source may be closed before it read, after it read, and again."""
    source, positions = offered.open(), dict[str, Position]()
    source.close()
    found = drained(source, positions)
    source.close()
    source.close()
    assert sorted(ids(found)) == named(ROWS)


def test_what_comes_later_follows(offered: Offered) -> None:
    """What is put behind what was read is read, and nothing before it."""
    positions: dict[str, Position] = {}
    for _ in range(2):
        source = offered.open()
        drained(source, positions)
        source.close()
    offered.put(rows(ROWS, ROWS + 4))
    source = offered.open()
    found = drained(source, positions)
    source.close()
    assert sorted(ids(found)) == [f"id-{number}" for number in range(ROWS, ROWS + 4)]


def test_what_is_refused_is_counted_once_by_its_reason(offered: Offered) -> None:
    """A row that lacks what a record needs is none, and is told of; its neighbours are."""
    offered.put([{"request_id": "stray", "inputs": {"x": 1.0}}, *rows(ROWS, ROWS + 1)])
    source = offered.open()
    found = drained(source, {})
    source.close()
    refused = sum((batch.refused() for batch in found), start=Counter[str]())
    assert dict(refused) == {offered.refusal: 1}
    assert all("stray" not in fault.detail for batch in found for fault in batch.rejected)
    assert sorted(ids(found)) == named(ROWS + 1)


def test_a_source_that_is_well_says_nothing(offered: Offered) -> None:
    """Where all can be read, no problem is told, before it was read and after."""
    source = offered.open()
    before = source.problem()
    drained(source, {})
    after = source.problem()
    source.close()
    assert (before, after) == (None, None)
