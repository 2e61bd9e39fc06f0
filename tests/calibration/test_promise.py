"""The engine keeps its promise where nothing drifts, and finds what does."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.calibration.engine import compile_engine, restart, start, step

BLOCKS, THRESHOLD, WATCHED = 80, 100.0, 1000


@pytest.mark.parametrize("seed", [0, 1])
def test_without_drift_it_pages_at_most_as_promised(world: Any, seed: int) -> None:
    """Over ten times N steps of the reference's own world there are at most ten pages."""
    here = world(columns=4, rows=150, seed=seed)
    engine = compile_engine(here.features, here.steps(BLOCKS), THRESHOLD, ())
    state, pages = start(engine), 0
    for index in range(WATCHED):
        state, result = step(engine, state, BLOCKS + index, *here.counts())
        if result.paged:
            pages, state = pages + 1, restart(state)
    assert pages <= WATCHED / THRESHOLD


@pytest.mark.parametrize(("shift", "within"), [(0.5, 4), (1.0, 2)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_shift_is_found_soon(world: Any, seed: int, shift: float, within: int) -> None:
    """Half a standard deviation in one of four columns is found within four steps, a whole one within two."""
    here = world(columns=4, rows=150, seed=seed)
    engine = compile_engine(here.features, here.steps(BLOCKS), 8640.0, ())
    state = start(engine)
    for index in range(20):
        state, result = step(engine, state, BLOCKS + index, *here.counts())
    assert not result.paged
    for index in range(within):
        state, result = step(engine, state, BLOCKS + 20 + index, *here.counts(shift))
    assert result.paged
    assert max(range(4), key=result.shares.__getitem__) == 0
