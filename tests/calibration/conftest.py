"""Small worlds for the engine: references and steps counted from a seeded stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from monitor.calibration.channels import Feature
from monitor.calibration.engine import Steps

EDGES = np.array([-2.6, -2.0, -1.5, -1.0, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.0, 1.5, 2.0, 2.6])


@dataclass
class World:
    """Independent standard normal columns, each with a few rows missing, counted in fixed bins."""

    columns: int = 3
    rows: int = 200
    seed: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    @property
    def features(self) -> list[Feature]:
        """The columns."""
        return [Feature(f"f{index}", "numeric") for index in range(self.columns)]

    def counts(self, shift: float = 0.0) -> tuple[list[np.ndarray], np.ndarray]:
        """Count one step; ``shift`` moves the first column only."""
        values = self.rng.normal(size=(self.columns, self.rows))
        values[0] += shift
        present = self.rng.random(values.shape) > 0.03
        cells = [np.searchsorted(EDGES, row[kept]) for row, kept in zip(values, present, strict=True)]
        return [np.bincount(cell, minlength=len(EDGES) + 1) for cell in cells], (~present).sum(axis=1)

    def steps(self, blocks: int, shift: Callable[[int], float] = lambda _: 0.0) -> Steps:
        """Count a reference."""
        return stack([self.counts(shift(block)) for block in range(blocks)], range(blocks))


def stack(blocks: Sequence[tuple[list[np.ndarray], np.ndarray]], times: Sequence[int]) -> Steps:
    """Put single steps together."""
    return Steps(
        times=np.array(times, dtype=np.int64),
        counts=tuple(np.stack(column) for column in zip(*(counts for counts, _ in blocks), strict=True)),
        missing=np.stack([missing for _, missing in blocks]),
    )


@pytest.fixture(scope="session")
def world() -> type[World]:
    """Give the world to build."""
    return World
