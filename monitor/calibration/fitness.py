"""How fit a reference is to judge by: how much of the world it saw, how that wobbles, and whether it is at rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from monitor.calibration import gates
from monitor.calibration.arrays import Floats
from monitor.calibration.cures import cure
from monitor.calibration.engine import Engine, Steps
from monitor.calibration.null import means_at

FEW_SPELLS = 30.0
FEW_ROWS = 100
STICKY = 0.5
MOST_NAMED = 3
RISK = 0.01
"""Of naming any feature of a reference at rest."""
_BATCHES = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """A feature that leapt or went steadily from half to half: by so much, in standard deviations of its rows."""

    feature: int
    effect: float


@dataclass(frozen=True, slots=True)
class Fitness:
    """What a reference is worth.

    Attributes
    ----------
    steps: it holds. ``cycles``: of the season it shows; ``None`` without one.
    rows_a_step: harmonic mean over the channels' own, the median channel.
    wobbling_ratio: share of channels that vary between steps by more than chance.
    autocorrelation: of that wobble from step to step, median of those channels; 0 without wobble.
    spells: about how many independent stretches it holds: steps over the inflation at its length, median channel.
    kappa: by how much the engine was slowed until one half did not page on the other; 1 is not at all.
    moved: features whose halves differ by more than the wobble within them explains, the largest first.
    """

    steps: int
    cycles: float | None
    rows_a_step: float
    wobbling_ratio: float
    autocorrelation: float
    spells: float
    kappa: float
    moved: tuple[Moved, ...]


def fitness(engine: Engine, steps: Steps) -> Fitness:
    """Return the fitness of the reference that an engine was compiled from."""
    null = engine.null
    wobbling, limit = null.wobble.wobbling, null.inflation.autoregressive
    phi = (limit - 1) / (limit + 1)
    return Fitness(
        steps=null.blocks,
        cycles=gates.cycles(null),
        rows_a_step=float(np.median(null.typical_rows)),
        wobbling_ratio=float(wobbling.mean()),
        autocorrelation=float(np.median(phi[wobbling])) if wobbling.any() else 0.0,
        spells=float(np.median(null.blocks / null.inflation.at_reference)),
        kappa=engine.replay.kappa,
        moved=_moved(engine, steps),
    )


def _moved(engine: Engine, steps: Steps) -> tuple[Moved, ...]:
    """Return what differs between the halves by far more than batches of steps tell by themselves, the largest first.

    Five batch means a half, which hold what wobble is shorter than a batch: Welch's t of the halves, which a leap
    shows, and the t of their slope, since a steady climb spreads the halves as far as it parts them. Bonferroni over
    channels and the two.
    """
    null, channels = engine.null, engine.null.channels
    if len(steps.times) < 2 * _BATCHES:
        return ()
    flat = np.concatenate([*steps.counts, steps.missing], axis=1).astype(np.int64)
    mean, rows = means_at(channels, flat, engine.sizes)
    residual = np.where(rows > 0, mean - null.season.at(steps.times), 0.0)
    batches = [_mean(*part) for part in zip(*(np.array_split(x, 2 * _BATCHES) for x in (residual, rows)), strict=True)]
    quantile = stdtrit(2 * _BATCHES - 2, 1 - RISK / (4 * len(channels)))
    found = [
        np.where(gap > quantile * error + 2 * channels.tolerance, gap, 0.0)
        for gap, error in (_leap(np.stack(batches)), _climb(np.stack(batches)))
    ]
    largest = np.zeros(len(engine.features))
    np.maximum.at(largest, channels.feature, np.maximum(*found))
    order = sorted(np.flatnonzero(largest).tolist(), key=lambda feature: (-largest[feature], feature))
    return tuple(Moved(feature, float(largest[feature])) for feature in order)


def _leap(batches: Floats) -> tuple[Floats, Floats]:
    """Return by how much the halves' means differ, and its standard error, both (C,)."""
    halves = batches.reshape(2, _BATCHES, -1)
    gap: Floats = np.abs(halves[1].mean(axis=0) - halves[0].mean(axis=0))
    return gap, np.sqrt(halves.var(axis=1, ddof=1).sum(axis=0) / _BATCHES)


def _climb(batches: Floats) -> tuple[Floats, Floats]:
    """Return how far a straight line goes from the middle of one half to that of the other, and its standard error."""
    place = np.arange(len(batches)) - (len(batches) - 1) / 2
    spread = (place**2).sum()
    slope = place @ batches / spread
    rest = ((batches - batches.mean(axis=0) - np.outer(place, slope)) ** 2).sum(axis=0) / (len(batches) - 2)
    return np.abs(slope) * _BATCHES, np.sqrt(rest / spread) * _BATCHES


def _mean(residual: Floats, rows: Floats) -> Floats:
    mean: Floats = (residual * rows).sum(axis=0) / np.maximum(rows.sum(axis=0), 1)
    return mean


def advice(engine: Engine, found: Fitness) -> Iterator[str]:
    """Yield what would make a reference fitter, in words; nothing where there is nothing to say."""
    names = [engine.features[moved.feature].name for moved in found.moved]
    if engine.uncalibrated is not None:
        yield f"not calibrated ({engine.uncalibrated}): {cure(engine.uncalibrated)}"
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield (
            f"{', '.join(names[:MOST_NAMED])}{more} moved between its halves: if that was drift, take a quieter time; "
            "if the world does so, a longer one"
        )
    if found.kappa > 1:
        yield (
            f"one half paged on the other, so that the engine is {found.kappa:g} times as cautious: a quieter or a "
            "longer time finds smaller effects"
        )
    if found.wobbling_ratio > 0 and found.autocorrelation > STICKY and found.spells < FEW_SPELLS:
        yield (
            f"its steps are like their neighbours: {found.steps} are worth about {found.spells:.0f} independent ones; "
            "a longer reference lowers the floors"
        )
    if found.rows_a_step < FEW_ROWS:
        yield f"a step holds about {found.rows_a_step:.0f} rows: a longer window.every shows smaller effects, later"
