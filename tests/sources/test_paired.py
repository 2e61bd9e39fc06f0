"""Halves that are logged apart are paired whenever they come, and a restart at any moment changes nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from monitor.instant import from_text, to_text
from monitor.sources.dialects.settings import LoggedEventSettings
from monitor.sources.position import Position
from tests.sources.foreign import (
    AZURE_INPUTS,
    AZURE_OUTPUTS,
    JsonObject,
    drained,
    read,
    source,
    text,
    told,
)

START = from_text("2026-11-21T22:00:00Z")
SECOND = 1_000_000
COUNT = 120


def halves(number: int, apart: int = SECOND) -> tuple[JsonObject, JsonObject]:
    """Return the two events of one call."""
    beside = {"time": to_text(START + number * apart), "correlationid": f"c-{number}"}
    asked = AZURE_INPUTS | beside | {"data": [{"age": number, "plan": "gold"}]}
    return asked, AZURE_OUTPUTS | beside | {"data": [{"prediction": number / 2}]}


def write(root: Path, *, shuffled: bool = False) -> None:
    """Write the log of two hours in order, or of two minutes in none; inputs and outputs each in a file."""
    calls = [halves(number, SECOND if shuffled else 60 * SECOND) for number in range(COUNT)]
    for place, name in enumerate(("inputs", "outputs")):
        lines = [call[place] for call in calls]
        if shuffled:
            random.Random(place).shuffle(lines)
        (root / f"{name}.jsonl").write_bytes(text(lines))


@pytest.mark.parametrize("shuffled", [False, True], ids=["in-order", "shuffled"])
def test_a_restart_after_every_batch_changes_nothing(tmp_path: Path, *, shuffled: bool) -> None:
    """Every call is one record with its own answer, though the source is made anew from what was kept each time."""
    write(tmp_path, shuffled=shuffled)
    positions: dict[str, Position] = {}
    found = []
    for _ in range(1000):
        opened = source(tmp_path, "azure", block_bytes=2048, max_line=2048)
        batch = opened.read(positions)
        opened.close()
        if batch is None:
            break
        positions[batch.file] = batch.position
        found.append(batch)
    assert len(found) > 10  # it was restarted with halves waiting
    rows = told(found).rows
    assert (
        sorted((row["inputs.age"], row["prediction"], row["request_id"]) for row in rows)
        == [(number, number / 2, f"c-{number}") for number in range(COUNT)]
        == sorted((row["inputs.age"], row["prediction"], row["request_id"]) for row in read(tmp_path, "azure").rows)
    )
    assert told(found).refused == []


def test_a_batch_that_was_not_kept_is_read_again(tmp_path: Path) -> None:
    """What waits follows what is kept, and not what was handed on and lost."""
    write(tmp_path)
    opened = source(tmp_path, "azure", block_bytes=2048, max_line=2048)
    positions: dict[str, Position] = {}
    found = []
    while (batch := opened.read(dict(positions))) is not None:
        again = opened.read(dict(positions))
        assert again is not None
        assert again.table.equals(batch.table)
        positions[again.file] = again.position
        found.append(again)
    opened.close()
    assert sorted(row["prediction"] for row in told(found).rows) == [number / 2 for number in range(COUNT)]


def test_no_watermark_passes_what_waits(tmp_path: Path) -> None:
    """While a request waits for its response, no window that it belongs to may close."""
    asked, _ = halves(3)
    later, answered = halves(4)
    (tmp_path / "a.jsonl").write_bytes(text([asked, later]))
    (tmp_path / "b.jsonl").write_bytes(text([answered]))
    [first, *_] = drained(source(tmp_path, "azure", at_rest=False), {})
    assert first.hold is not None
    assert first.hold <= START + 3 * SECOND


def test_what_waits_too_long_is_given_up_by_the_clock(tmp_path: Path) -> None:
    """A request alone is a record without an answer; a response alone is refused; both only once their time is up."""
    (tmp_path / "a.jsonl").write_bytes(text([halves(0)[0], halves(1)[1]]))
    events = LoggedEventSettings(outputs=("prediction",))
    positions: dict[str, Position] = {}
    waiting = source(tmp_path, "azure", at_rest=False, events=events)
    first = told(drained(waiting, positions))
    waiting.close()
    assert [row["error"] for row in first.rows] == ["no_response"]  # its time was long ago
    assert first.refused == ["request_missing"]
    again = source(tmp_path, "azure", at_rest=False, events=events)
    assert drained(again, positions) == []
    again.close()


def test_where_inputs_alone_are_collected_nothing_waits(tmp_path: Path) -> None:
    """With mode request a collection of inputs is read as it comes."""
    (tmp_path / "a.jsonl").write_bytes(text([halves(7)[0]]))
    found = read(tmp_path, "azure", events=LoggedEventSettings(mode="request"))
    assert [(row["inputs.age"], row["error"]) for row in found.rows] == [(7.0, None)]
