"""Simulated worlds: columns that are cut from normal rows whose mean wobbles from step to step.

The mean of a column in step t is ``season(t) + wobble(t)``, in standard deviations of a row. A wobble is AR(1) with
coefficient phi and a stationary standard deviation of its own, its shocks normal or Student's t with 3 degrees of
freedom. Every column wobbles by itself. Nothing drifts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from benchmarks.drift.sheet import Sheet
from monitor.calibration.arrays import Floats

DAY, WEEK = 24, 168
"""Steps of an hour."""
_KINDS = 20  # columns repeat after so many: 14 numbers, 2 binary, 2 of 5 levels, 2 of 20
_NUMBERS, _SKEWED_FROM = 14, 10
_CENTRE = 3.0  # so that another unit moves a number
_SPARSE, MISSING_RATIO = 1, 0.02  # the column with missing values, and how many
_DEGREES = 3.0
_BURN_IN = 400


@dataclass(frozen=True, slots=True)
class World:
    """How rows come about.

    Attributes
    ----------
    columns, rows: of the sheet, and in a step.
    reference: steps in it.
    wobble: stationary standard deviation of a step's mean; ``phi`` its AR coefficient; ``heavy`` for t shocks.
    season: amplitude of a day's and, at half of it, a week's cosine.
    """

    name: str
    columns: int = 20
    rows: int = 1000
    reference: int = 336
    wobble: float = 0.0
    phi: float = 0.0
    heavy: bool = False
    season: float = 0.0

    @property
    def periods(self) -> tuple[int, ...]:
        """Return the seasons that the engine is told of."""
        return DAY, WEEK


@dataclass(slots=True)
class Simulation:
    """One history of a world: each call of :meth:`steps` goes on where the last ended."""

    world: World
    seed: int
    rng: np.random.Generator = field(init=False)
    mean: Floats = field(init=False)
    phase: Floats = field(init=False)
    now: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.phase = self.rng.uniform(0, 2 * np.pi, (2, self.world.columns))
        self.mean = np.zeros(self.world.columns)
        wobble(self, _BURN_IN if self.world.wobble else 0)

    def steps(self, number: int) -> Sheet:
        """Return the next steps."""
        world, rows = self.world, number * self.world.rows
        mean = wobble(self, number) + _season(self, number)
        latent = self.rng.standard_normal((world.columns, number, world.rows)) + mean.T[:, :, np.newaxis]
        columns = {f"f{i}": _column(i, latent[i].reshape(rows), self.rng) for i in range(world.columns)}
        levels = {f"f{i}": LEVELS[i % _KINDS] for i in range(world.columns) if i % _KINDS in LEVELS}
        self.now += number
        return Sheet(columns, levels, np.repeat(np.arange(number), world.rows), number)


def wobble(simulation: Simulation, number: int) -> Floats:
    """Return the wobble of the next steps, (number, columns), and remember where it got to."""
    world = simulation.world
    shape = number, world.columns
    if not world.wobble:
        return np.zeros(shape)
    normal, heavy = simulation.rng.standard_normal, simulation.rng.standard_t
    shocks: Floats = heavy(_DEGREES, shape) / np.sqrt(_DEGREES) if world.heavy else normal(shape)
    shocks *= world.wobble * np.sqrt(1 - world.phi**2)
    for at, shock in enumerate(shocks):
        simulation.mean = world.phi * simulation.mean + shock
        shocks[at] = simulation.mean
    return shocks


def _season(simulation: Simulation, number: int) -> Floats:
    time = simulation.now + np.arange(number)[:, np.newaxis]
    day, week = (
        np.cos(2 * np.pi * time / period + phase) for period, phase in zip((DAY, WEEK), simulation.phase, strict=True)
    )
    cycle: Floats = simulation.world.season * (day + week / 2)
    return cycle


def _geometric(levels: int, ratio: float) -> Floats:
    """Return the upper ends of levels in the unit interval, each ``ratio`` as wide as the one before."""
    share = ratio ** np.arange(levels)
    ends: Floats = np.cumsum(share / share.sum())[:-1]
    return ends


_ENDS = {14: np.array([0.7]), 15: np.array([0.7]), 16: _geometric(5, 0.6), 17: _geometric(5, 0.6)}
_ENDS |= {18: _geometric(20, 0.8), 19: _geometric(20, 0.8)}
LEVELS = {place: tuple(f"level{i:02}" for i in range(len(ends) + 1)) for place, ends in _ENDS.items()}


def _column(index: int, latent: Floats, rng: np.random.Generator) -> Floats:
    place = index % _KINDS
    if place >= _NUMBERS:
        level: Floats = np.searchsorted(_ENDS[place], ndtr(latent)).astype(np.float64)
        return level
    if place >= _SKEWED_FROM:
        skewed: Floats = np.exp(latent)
        return skewed
    values = latent + _CENTRE
    if place == _SPARSE:
        values[rng.random(len(values)) < MISSING_RATIO] = np.nan
    return values
