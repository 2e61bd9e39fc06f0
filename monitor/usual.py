"""What is usual of a model's latency and volume, by the hour and the day of the week, and evidence that it is no more.

Both are judged by the decision engine (:mod:`monitor.calibration`), each with its own part of the false-alarm budget:
latency as a numeric column, and volume as the departure of log(records + 1) from its season, one value a step.
What is usual is learnt from steps in which nothing is known to be wrong: those of the reference, or the stream's first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.calibration import engine as calibration
from monitor.calibration import season as seasons
from monitor.calibration.channels import LEAST_EFFECT_SD, Feature
from monitor.calibration.engine import Effect, Engine
from monitor.calibration.state import State
from monitor.folds import fold_counts
from monitor.history import History

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

LATENCY, VOLUME = "latency", "volume"
_POINTS = np.unique(np.concatenate(([0.01, 0.025, 0.975, 0.99], np.round(np.arange(1, 20) / 20, 2))))
"""Quantiles at which the departures of the volume are cut into bins."""
_MATTERS = float(np.log(1.1))
"""A volume that is off by less than a tenth never matters."""
_NO_SPREAD = 1e-9
_LEAST_WIDTH = 0.1
"""Of the average size of departures."""
_LEAST_CYCLES = 60
"""So often must a history have seen each time of day before sizes are told apart by it."""


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual, compiled.

    Attributes
    ----------
    engine: ``None`` where the history shows nothing that could vary; ``why`` says why nothing is promised.
    fold: the engine's bin of each bin of a latency. ``whole``: the latencies of the history by bin.
    season, edges: of log(records + 1), and where its departures are cut. ``width``: how large those usually are.
    """

    kind: str
    engine: Engine | None
    why: str | None
    fold: NDArray[np.intp] | None = field(default=None, repr=False)
    whole: Integers | None = field(default=None, repr=False)
    season: seasons.Season | None = field(default=None, repr=False)
    edges: Floats | None = field(default=None, repr=False)
    width: seasons.Season | None = field(default=None, repr=False)

    @property
    def calibrated(self) -> bool:
        """Say whether the false-alarm promise holds."""
        return self.why is None


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """What a step showed: the state after it, the evidence, and the effect in the most telling channel."""

    state: State
    evidence: float
    effect: Effect | None
    began: int | None


def latency_usual(history: History, threshold: float, periods: Sequence[int]) -> Usual:
    """Compile what is usual of latencies.

    Parameters
    ----------
    threshold: steps between two false alarms that the budget leaves.
    periods: of possible seasons, in steps.
    """
    feature = Feature(LATENCY, "numeric", missing=False)
    engine = _engine(feature, history.times, history.counts, threshold, periods)
    return Usual(LATENCY, engine, _why(engine), history.fold, history.whole)


def volume_usual(history: History, threshold: float, periods: Sequence[int]) -> Usual:
    """Compile what is usual of volumes; parameters as of :func:`latency_usual`.

    The season is fitted to the history itself, so that its departures are too small by its degrees of freedom; they are
    widened as those of steps to come are (by sqrt((1 + k/B) / (1 - k/B)), k terms of B steps). They are judged in units
    of their own season: a quiet hour of the night that is off by half every day is else the reason why a calm one by
    day, with one value a step, is nothing that the reference as a whole has ever shown. Where the history has seen each
    time of day too few times, sizes at that time are not known, and all are held against the same.
    """
    values = np.log1p(history.counts[:, :1].astype(np.float64))
    steps = len(values)
    season = seasons.fit(history.times, values, np.ones_like(values), values.mean(axis=0), periods)
    share = min(float(season.freedom[0]) / steps, 0.5)
    departures = (values - season.at(history.times))[:, 0] * np.sqrt((1 + share) / (1 - share))
    if float(departures.std()) < _NO_SPREAD:
        return Usual(VOLUME, None, "no_spread", season=season)
    sizes = np.abs(departures)[:, np.newaxis]
    known = [] if steps < _LEAST_CYCLES * min(periods, default=steps) else periods
    width = seasons.fit(history.times, sizes, np.ones_like(sizes), sizes.mean(axis=0), known)
    departures = departures / _widths(width, history.times)
    spread = float(departures.std()) * float(sizes.mean())
    inner = np.quantile(departures, _POINTS, method="inverted_cdf")
    ends = np.array([departures.min(), np.nextafter(departures.max(), np.inf)])
    edges: Floats = np.unique(np.concatenate((inner, ends)))
    tolerance = max(LEAST_EFFECT_SD, _MATTERS / spread)
    engine = _engine(
        Feature(VOLUME, "numeric", tolerance=tolerance, missing=False),
        history.times,
        _one_each(departures, edges),
        threshold,
        periods,
    )
    return Usual(VOLUME, engine, _why(engine), season=season, edges=edges, width=width)


def _widths(width: seasons.Season, times: Integers) -> Floats:
    """Return how large departures usually are at those times, (n,): never a small part of what they are on average."""
    usual: Floats = np.maximum(width.at(times)[:, 0], _LEAST_WIDTH * float(width.coefficient[0, 0]))
    return usual


def _one_each(departures: Floats, edges: Floats) -> Integers:
    """Return one row a step in the bin of its departure, (steps, edges + 1)."""
    counts = np.zeros((len(departures), len(edges) + 1), np.int64)
    counts[np.arange(len(departures)), np.searchsorted(edges, departures, side="right")] = 1
    return counts


def _engine(
    feature: Feature, times: Integers, counts: Integers, threshold: float, periods: Sequence[int]
) -> Engine | None:
    missing = np.zeros((len(times), 1), np.int64)
    try:
        return calibration.compile_engine([feature], calibration.Steps(times, (counts,), missing), threshold, periods)
    except ValueError:  # nothing that could vary: no channel
        return None


def _why(engine: Engine | None) -> str | None:
    if engine is None:
        return "no_spread"
    return None if engine.uncalibrated is None else str(engine.uncalibrated)


def observed(usual: Usual, time: int, counts: Integers) -> Integers:
    """Return a step's counts in the bins of the engine.

    Parameters
    ----------
    time: number of the step since 1970.
    counts: latencies by bin, (bins,), or the records, (1,).
    """
    if usual.fold is not None:
        folded: Integers = fold_counts(counts, usual.fold)
        return folded
    if usual.season is None or usual.edges is None or usual.width is None:
        raise ValueError("what is usual was not compiled")
    at = np.array([time], np.int64)
    departure = np.log1p(float(counts[0])) - usual.season.at(at)[:, 0]
    one: Integers = _one_each(departure / _widths(usual.width, at), usual.edges)[0]
    return one


def depart(usual: Usual, state: State, time: int, counts: Integers, *, frozen: bool) -> Departure:
    """Weigh a step.

    Parameters
    ----------
    frozen: an alert fires: evidence stays, and only the effect is looked at.
    """
    engine = usual.engine
    if engine is None:
        raise ValueError("without an engine nothing is weighed")
    seen, missing = (observed(usual, time, counts),), np.zeros(1, np.int64)
    if frozen:
        evidence = float(calibration.feature_evidence(engine, state).sum())
        return Departure(state, evidence, calibration.effects(engine, state, time, seen, missing)[0], None)
    state, result = calibration.step(engine, state, time, seen, missing)
    return Departure(state, result.evidence, result.effects[0], result.began[0])


def expected_volume(usual: Usual, time: int) -> float | None:
    """Return the usual number of records in a step; ``None`` where that is not known."""
    if usual.season is None:
        return None
    return float(np.expm1(max(float(usual.season.at(np.array([time], np.int64))[0, 0]), 0.0)))
