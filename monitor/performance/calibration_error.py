"""Calibration error (ECE): by how much, on average over rows, probabilities differ from what came true in their bin.

ECE = sum over ten bins of equal width of their share of rows times |promised - came true|. Chance alone keeps gaps
away from zero, so that the value is too large the fewer the rows; the interval is not: it is around the value less what
chance adds to it, by the mean of a folded normal. What chance adds is not known, since the true gaps are not: the upper
bound takes each gap as found, the lower one those within their noise as none, and is 0 where the sum of the bins'
squared gaps, in rows, is no more than a calibrated model's would be: a sum of chi-squares, each as heavy as its bin's
variance (Box 1954, Annals of Mathematical Statistics 25:290; Satterthwaite 1946, Biometrics 2:110). So a bin that
expects a hundredth of a positive row decides nothing by the one that came. It is wide rather than narrow.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtri, ndtr

from monitor.performance.answers import Scored, of_probabilities, value_of
from monitor.performance.interval import LEVEL, Bounds, Floats, Z
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.reliability import BINS, bins_of, promises

_PRIOR_ROWS = 2
"""A bin's variance is taken together with so many rows' worth of that of a calibrated model: few rows may all agree."""


def calibration_error(rows: Scored) -> Value:
    """Return the calibration error of probabilities of one class (n,), or of each (n, k)."""
    promised, came = promises(rows)
    order = np.lexsort((came, promised))
    promised, came = promised[order], came[order]
    place = bins_of(promised)
    error = came - promised
    sums = [np.bincount(place, weights, BINS) for weights in (None, error, error * error, promised * (1 - promised))]
    counts, gaps, squares, lawful = (part[sums[0] > 0].astype(np.float64) for part in sums)
    gaps = np.abs(gaps / counts)
    variances = (squares - counts * gaps * gaps + lawful / counts * _PRIOR_ROWS) / (counts + _PRIOR_ROWS) / counts
    value = float(counts @ gaps) / len(promised)
    return value_of(value, _bounds(value, (gaps, variances), counts, lawful), len(promised))


def _bounds(value: float, found: tuple[Floats, Floats], counts: Floats, lawful: Floats) -> Bounds:
    (gaps, variances), shares = found, counts / counts.sum()
    errors = np.sqrt(np.maximum(variances, 0))
    half = Z * math.sqrt(float(np.square(shares) @ variances))
    upper = value - float(shares @ _added(gaps, errors)) + half
    lower = value - float(shares @ _added(np.where(gaps > Z * errors, gaps, 0.0), errors)) - half
    if _is_noise(gaps * counts, lawful):
        lower = 0.0
    return max(lower, 0.0), min(upper, 1.0)


def _is_noise(gaps: Floats, lawful: Floats) -> bool:
    """Say whether gaps of bins, in rows, are what variances of a calibrated model's let expect."""
    first, second = float(lawful.sum()), float(lawful @ lawful)
    if second <= 0:
        return not gaps.any()
    return float(gaps @ gaps) <= second / first * float(chdtri(first * first / second, 1 - LEVEL))


def _added(gaps: Floats, errors: Floats) -> Floats:
    """Return what noise adds to the mean of |gap|."""
    apart = np.divide(gaps, errors, out=np.full_like(gaps, math.inf), where=errors > 0)
    added: Floats = errors * math.sqrt(2 / math.pi) * np.exp(-apart * apart / 2) - 2 * gaps * ndtr(-apart)
    return added


METRIC = Metric(
    name="calibration_error",
    title="Calibration error",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"score"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=1.0,
    about=(
        "By how much, on average over rows, probabilities differ from what came true in their bin of ten; of "
        "several classes the probability of the likeliest."
    ),
    interval="the normal law without what chance adds to the value; conservative",
    source="Naeini, Cooper and Hauskrecht 2015, AAAI, 2901",
    undefined=frozenset({Undefined.NO_SCORES, Undefined.NOT_PROBABILITIES}),
    compute=of_probabilities(calibration_error),
)
