"""A level that a large reference never had is drift in its first step."""

from __future__ import annotations

import numpy as np

from monitor.calibration.channels import Feature
from monitor.calibration.engine import Steps, compile_engine, start, step

BLOCKS, THRESHOLD = 100, 8640.0


def test_a_new_level_pages_at_once_however_large_the_reference() -> None:
    """A tenth of the rows in a level that a million rows of the reference never had page in one step."""
    rng = np.random.default_rng(1)
    counts = np.append(rng.multinomial(10_000, [0.5, 0.3, 0.2], BLOCKS), np.zeros((BLOCKS, 1), np.int64), axis=1)
    steps = Steps(np.arange(BLOCKS), (counts,), np.zeros((BLOCKS, 1), np.int64))
    engine = compile_engine([Feature("plan", "category")], steps, THRESHOLD, ())
    calm = step(engine, start(engine), BLOCKS, [np.array([500, 300, 200, 0])], np.array([0]))
    new = step(engine, start(engine), BLOCKS, [np.array([450, 270, 180, 100])], np.array([0]))
    assert (calm[1].paged, new[1].paged) == (False, True)
