"""What a stretch of records says of an objective: the figure, how surely it is known, and whether it is good.

An objective is broken only where the figure's 95 % interval and the allowed range have no value in common: a few slow
records among a few are no reason to wake somebody. What is not known is neither good nor bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.latency import LATENCY_BINS
from monitor.logbins import LogBins
from monitor.performance.interval import Z, wilson
from monitor.performance.settings import Figure, ObjectiveSettings, Subject
from monitor.usage import RESOURCE_BINS, Usage, amount_bins, amount_deviation, amount_figures, amount_rows

Integers = NDArray[np.int64]
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Served:
    """What a stretch of event time showed of a model.

    Attributes
    ----------
    rows: those profiled, which are ``sampled_ratio`` of the records.
    latency: rows by bin of ``LATENCY_BINS``.
    freshness_seconds: how old the newest record was at its end; ``None`` before the first.
    replaced: whether another version has all the records: then what this one has not is no news.
    performance: by metric, the value and its bounds, where targets tell.
    """

    rows: int
    latency: Integers = field(repr=False)
    usage: Usage = field(repr=False)
    freshness_seconds: float | None = None
    sampled_ratio: float = 1.0
    replaced: bool = False
    performance: Mapping[str, tuple[float, float | None, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure of a stretch, with the bounds of its 95 % interval; all ``None`` where it is unknown.

    ``bad`` of ``records`` were on the wrong side of the limit, where the objective is about single records.
    """

    value: float | None
    lower: float | None
    upper: float | None
    bad: int = 0
    records: int = 0


UNKNOWN = Reading(None, None, None)


def by_records(objective: ObjectiveSettings) -> bool:
    """Say whether an objective counts records, as latency and errors do, and not windows.

    That 99 % of the records take at most 50 ms says by itself which share of them may be slow.
    """
    return objective.share is None and objective.figure.subject in (Subject.LATENCY, Subject.ERRORS)


def allowed_ratio(objective: ObjectiveSettings) -> float | None:
    """Return the share of records or windows that may be bad; ``None`` where every window has to be good.

    >>> round(allowed_ratio(ObjectiveSettings(metric="latency_p99", at_most="50ms")), 4)
    0.01
    """
    if objective.share is not None:
        return 1 - objective.share
    if not by_records(objective):
        return None
    quantile = objective.figure.quantile
    if quantile is not None:
        return 1 - quantile
    return objective.at_most.value or None if objective.at_most is not None else None


def read(objective: ObjectiveSettings, served: Served) -> Reading:
    """Return the figure of an objective in a stretch."""
    figure, limit = objective.figure, objective.at_most.value if objective.at_most is not None else None
    if served.replaced and figure.subject in (Subject.VOLUME, Subject.FRESHNESS):
        return UNKNOWN
    match figure.subject:
        case Subject.LATENCY:
            reading = _quantile(LATENCY_BINS, served.latency, figure.quantile or 0.0, limit)
        case Subject.ERRORS:
            reading = _errors(served)
        case Subject.VOLUME:
            reading = _volume(served)
        case Subject.FRESHNESS:
            reading = Reading(served.freshness_seconds, served.freshness_seconds, served.freshness_seconds)
        case Subject.RESOURCE:
            reading = _resource(figure, served.usage, limit)
        case Subject.PERFORMANCE:
            found = served.performance.get(objective.metric)
            reading = UNKNOWN if found is None else Reading(*found)
    return reading


def is_broken(objective: ObjectiveSettings, reading: Reading) -> bool | None:
    """Say whether the interval lies wholly outside the allowed range; ``None`` where the figure is unknown.

    A figure without an interval is taken as exact.

    >>> auc = ObjectiveSettings(metric="roc_auc", at_least=0.75)
    >>> is_broken(auc, Reading(0.74, 0.70, 0.78)), is_broken(auc, Reading(0.70, 0.66, 0.74)), is_broken(auc, UNKNOWN)
    (False, True, None)
    """
    if reading.value is None:
        return None
    lower = reading.value if reading.lower is None else reading.lower
    upper = reading.value if reading.upper is None else reading.upper
    over = objective.at_most is not None and lower > objective.at_most.value
    under = objective.at_least is not None and upper < objective.at_least.value
    return over or under


def _volume(served: Served) -> Reading:
    """Return the records of a stretch; where a part was profiled their number is estimated from it."""
    ratio = served.sampled_ratio
    half = Z * (served.rows * (1 - ratio)) ** 0.5 / ratio
    value = served.rows / ratio
    return Reading(value, max(value - half, served.rows), value + half)


def _errors(served: Served) -> Reading:
    if not served.rows:
        return UNKNOWN
    errors = served.usage.errors
    return Reading(errors / served.rows, *wilson(errors, served.rows), errors, served.rows)


def _quantile(bins: LogBins, counts: Integers, share: float, limit: float | None) -> Reading:
    """Return a quantile; its bounds are the quantiles at the bounds of its rank (Wilson's)."""
    rows = int(counts.sum())
    if not rows:
        return UNKNOWN
    value, lower, upper = (bins.quantile(counts, at) for at in (share, *wilson(share * rows, rows)))
    return Reading(value, lower, upper, 0 if limit is None else bins.above(counts, limit), rows)


def _resource(figure: Figure, usage: Usage, limit: float | None) -> Reading:
    amounts = usage.resources.get(figure.resource or "")
    if amounts is None or not amount_rows(amounts):
        return UNKNOWN
    if figure.quantile is not None:
        return _quantile(RESOURCE_BINS, amount_bins(amounts), figure.quantile, limit)
    known = amount_figures(amounts)[figure.stat or ""]
    value = float(known) if known is not None else None
    if value is None or figure.stat == "sum":
        return Reading(value, value, value)
    half = Z * amount_deviation(amounts) / float(amount_rows(amounts)) ** 0.5
    return Reading(value, value - half, value + half)
