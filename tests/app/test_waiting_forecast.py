"""What waits for its targets is foretold: in memory, and on disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from monitor.app.forecast import Planned, memory_bytes, state_bytes, waiting_rows
from monitor.instant import microseconds
from monitor.pipeline.compiling import load_judge
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.store.database import State
from tests.passes import WALL, opened
from tests.scored import REFERENCE_HOURS, ROWS, Answered, hours_of, scored_plan, write_records, write_reference

HOURS = 20


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def foretold(plan: ModelPlan) -> Planned:
    """Return a model with its reference, whose windows are kept for a day."""
    judge = load_judge(plan, plan.root / "reference.parquet")
    return Planned(plan, {"1": judge}, microseconds(timedelta(days=1)))


def test_a_horizon_of_records_waits(tmp_path: Path) -> None:
    """As many records as the reference has in a horizon and a window; without targets none."""
    write_reference(tmp_path, 0.15)
    planned = foretold(scored_plan(tmp_path))
    assert waiting_rows(planned) == pytest.approx(ROWS * 13, rel=2 / REFERENCE_HOURS)
    assert waiting_rows(foretold(scored_plan(tmp_path, targets=None))) == 0
    longer = foretold(scored_plan(tmp_path, horizon=timedelta(hours=12 + 100_000)))
    assert memory_bytes([longer]) - memory_bytes([planned]) == pytest.approx(
        ROWS * 100_000 * 6, rel=2 / REFERENCE_HOURS
    )


def test_answers_on_disk_are_as_foretold(tmp_path: Path, state: State) -> None:
    """The files of the answers of twenty hours are within a factor of two of what is foretold of them."""
    write_reference(tmp_path, 0.15)
    rng = np.random.default_rng(1)
    ids = [str(UUID(bytes=rng.bytes(16))) for _ in range(HOURS * ROWS * 20)]
    found = [
        Answered({**each.record, "request_id": ids[place * 20 + copy]}, each.target)
        for place, each in enumerate(hours_of(range(HOURS), 0.15))
        for copy in range(20)
    ]
    write_records(tmp_path, found)
    pipeline = Pipeline(scored_plan(tmp_path, horizon=timedelta(hours=HOURS)), state)
    assert len(list(pipeline.step(WALL))) >= HOURS - 1
    pipeline.close()
    held = sum(path.stat().st_size for path in (tmp_path / "state" / "outcomes").glob("*/*"))
    plans = [scored_plan(tmp_path, horizon=timedelta(hours=hours)) for hours in (1 + HOURS * 20, 1)]
    more, less = (state_bytes([foretold(plan)]) for plan in plans)
    assert 0.5 < (more - less) / held < 2
