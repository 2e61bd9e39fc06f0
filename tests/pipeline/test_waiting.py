"""What waits for its targets is remembered alike, however often the process was started anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.pipeline.cohorts import scored_body
from monitor.pipeline.cycle import Pipeline
from monitor.store.database import State
from tests.passes import WALL, opened, plain
from tests.scored import ROWS, hours_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import Json

WRONG, HOURS = 0.15, 9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with targets of every other record, all there before the first record is."""
    write_reference(tmp_path, WRONG)
    write_targets(tmp_path, hours_of(range(HOURS), WRONG)[::2], hours=3)
    return tmp_path


@pytest.fixture
def states(tmp_path: Path) -> Iterator[tuple[State, State]]:
    """Lend two states."""
    for name in ("calm", "restarted"):
        (tmp_path / name).mkdir()
    with opened(tmp_path / "calm") as calm, opened(tmp_path / "restarted") as restarted:
        yield calm, restarted


def remembered(root: Path, state: State) -> Json:
    """Read what lies there in a process of its own; return what it then knows of windows that wait."""
    pipeline = Pipeline(scored_plan(root), state)
    list(pipeline.step(WALL))
    found = plain(scored_body(pipeline.model.scored))
    pipeline.close()
    return found


def test_a_restart_changes_nothing_of_what_waits(root: Path, states: tuple[State, State]) -> None:
    """Targets that a close has looked at are not looked at again by the next process."""
    calm, restarted = states
    found, after = hours_of(range(HOURS), WRONG), Json()
    for start in range(0, len(found), ROWS * 3):
        write_records(root, found[start : start + ROWS * 3])
        after = remembered(root, restarted)
    assert after == remembered(root, calm)
