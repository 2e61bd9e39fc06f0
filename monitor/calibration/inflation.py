"""How a wobble grows with the timescale, how heavy its tail is, and what the reference's own error costs.

A bet that waits long meets slow storms, so it is charged the wobble of batches as long as it waits: K(L) times that of
single blocks. Batches show K up to a tenth of the reference; beyond, it is carried on by their own growth and by that
of a first-order autoregression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainccinv, stdtrit

from monitor.calibration.arrays import WOBBLING, Bools, Floats, bets
from monitor.calibration.channels import Channels
from monitor.calibration.wobble import Blocks, Wobble, batch_lengths, batch_variance

WAIT = 68.0  # a bet l ripens in about WAIT / l^2 steps
STEEPEST, LONG_STEEPEST = 0.8, 0.5
AR_EXCESS = 1.5
LARGEST_AUTOCORRELATION = 0.98
MATTERS = 0.05  # share of wobble from which its tail counts
NORMAL = 1e4  # degrees of freedom that stand for a normal distribution
REFERENCE_RISK = 0.1  # over all channels, the reference is further off than the margin this often
FEW_ROWS = 200.0  # a share seen in fewer reference rows takes a gamma bound
LEAST_FOR_INDEX = 200  # blocks that show how heavy a tail is by its own slope
TAIL_RATIO = 0.02  # of all standardised residuals: the largest, which are the tail
NO_FOURTH_MOMENT = 5.5  # a tail index under it: that of normal wobble is 6.7 to 7.4, of t3 shocks 4.3 to 4.7
HEAVIEST = 3.0  # degrees of freedom: the fewest, in whole numbers, with a variance to measure
TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Inflation:
    """K, the variance of batches over that of blocks, and what follows from it.

    Attributes
    ----------
    measured: K at the lengths of :func:`batch_lengths`, (lengths, C).
    slope: its growth a doubling, (C,).
    autoregressive: (1 + phi) / (1 - phi), the limit of a first-order autoregression, (C,).
    at_reference, at_bets: K at the length of the reference, (C,), and of each bet, (6, C).
    tail: nu, degrees of freedom of block means, (C,).
    quantile: of the reference's error, in standard errors, (C,).
    margin: the reference's error in units of the channel, (C,).
    """

    measured: Floats
    slope: Floats
    autoregressive: Floats
    at_reference: Floats
    at_bets: Floats
    tail: Floats
    quantile: Floats
    margin: Floats


def fit(channels: Channels, blocks: Blocks, wobble: Wobble) -> Inflation:
    """Return the inflation of each channel."""
    lengths = batch_lengths(len(blocks))
    phi = autocorrelation(blocks, wobble)
    measured = _measure(blocks, wobble, lengths)
    measured = np.maximum(measured, np.stack([autoregressive_sum(phi, length) for length in lengths]))
    slope = np.zeros(len(phi))
    if len(lengths) > 1:
        slope = np.clip(np.log2(measured[-1] / measured[-2]), 0, STEEPEST)
    limit = (1 + phi) / (1 - phi)
    waits = np.append(WAIT / bets() ** 2, float(len(blocks)))
    grown = np.stack([inflation_at(wait, lengths, measured, slope, limit) for wait in waits])
    at_reference = grown[-1]
    quantile = _quantile(len(blocks), wobble, at_reference)
    return Inflation(
        measured=measured,
        slope=slope,
        autoregressive=limit,
        at_reference=at_reference,
        at_bets=grown[:-1],
        tail=_tail(blocks, wobble, at_reference),
        quantile=quantile,
        margin=_margin(channels, blocks, wobble, at_reference, quantile),
    )


def autoregressive_sum(phi: Floats, length: int) -> Floats:
    """Return 1 + 2 sum over k < L of (1 - k/L) phi^k, the inflation of an AR(1), in closed form."""
    whole = (1 + phi) / (1 - phi)
    result: Floats = whole - 2 * phi * (1 - phi**length) / (length * (1 - phi) ** 2)
    return result


def inflation_at(length: float, lengths: list[int], measured: Floats, slope: Floats, limit: Floats) -> Floats:
    """Return K at any length of at least 1, (C,): linear between measured lengths, carried on beyond them."""
    last, longest = measured[-1], float(lengths[-1])
    if len(lengths) > 1 and length <= longest:
        right = max(int(np.searchsorted(lengths, length)), 1)
        part = (length - lengths[right - 1]) / (lengths[right] - lengths[right - 1])
        between: Floats = measured[right - 1] + part * (measured[right] - measured[right - 1])
        return between
    doubled: Floats = last * (length / longest) ** slope
    slower = last * (length / longest) ** np.minimum(slope, LONG_STEEPEST)
    return np.where(limit > last, np.minimum(doubled, np.maximum(AR_EXCESS * limit, slower)), doubled)


def _own_or_median(own: Floats, wobbling: Bools) -> Floats:
    """Return each channel's own value, never under the median of the wobbling ones; their median elsewhere."""
    median = float(np.median(own[wobbling]))
    return np.where(wobbling, np.maximum(own, median), median)


def _measure(blocks: Blocks, wobble: Wobble, lengths: list[int]) -> Floats:
    """Return K at each measured length: at least 1, not falling, at most the length; (lengths, C)."""
    wobbling = wobble.wobbling
    measured = np.ones((len(lengths), len(wobbling)))
    if wobbling.any():
        for row, length in enumerate(lengths[1:], start=1):
            beyond = batch_variance(blocks.residual, length) - 1 / blocks.typical_rows
            measured[row] = _own_or_median(beyond / np.where(wobbling, wobble.variance, 1.0), wobbling)
    measured = np.maximum.accumulate(np.maximum(measured, 1.0), axis=0)
    return np.minimum(measured, np.array(lengths, dtype=np.float64)[:, np.newaxis])


def autocorrelation(blocks: Blocks, wobble: Wobble) -> Floats:
    """Return phi, the lag-one autocorrelation of the wobble, with a charge for its bias and error, (C,)."""
    wobbling = wobble.wobbling
    if not wobbling.any():
        return np.zeros(len(wobbling))
    residual = blocks.residual
    lagged = (residual[:-1] * residual[1:]).sum(axis=0) / np.maximum((residual**2).sum(axis=0), TINY)
    own = _own_or_median(lagged / np.maximum(wobble.share, WOBBLING), wobbling)
    return np.clip(own + (1 + 3 * np.maximum(own, 0)) / len(blocks), 0, LARGEST_AUTOCORRELATION)


def _spells(blocks: int, at_reference: Floats) -> Floats:
    """Return how many independent stretches the reference holds, (C,)."""
    return blocks / at_reference


def tail_index(standard: Floats) -> float:
    """Return alpha of a tail P(|x| > y) ~ y^-alpha: Hill's estimator over the largest of all values (Hill 1975).

    >>> round(tail_index((np.arange(1, 100_001) / 100_000) ** (-1 / 3)), 1)  # the quantiles of a Pareto law, alpha 3
    3.0
    """
    falling = np.sort(np.abs(standard), axis=None)[::-1]
    tail = max(int(TAIL_RATIO * len(falling)), 1)
    logs = np.log(np.maximum(falling[: tail + 1], TINY))
    return float(1 / max(float((logs[:tail] - logs[-1]).mean()), TINY))


def _has_heavy_tail(blocks: Blocks, wobble: Wobble) -> bool:
    """Say whether the wobble has no fourth moment: then its kurtosis in a sample is far too small to tell.

    All wobbling channels are looked at together, since one holds too few large residuals.
    """
    wobbling = wobble.wobbling
    if len(blocks) < LEAST_FOR_INDEX or not wobbling.any():
        return False
    residual = blocks.residual[:, wobbling]
    return tail_index(residual / np.sqrt(np.maximum((residual**2).mean(axis=0), TINY))) < NO_FOURTH_MOMENT


def _tail(blocks: Blocks, wobble: Wobble, at_reference: Floats) -> Floats:
    """Return the degrees of freedom of block means: from their kurtosis or tail index, and from how few were seen."""
    square = blocks.residual**2
    kurtosis = (square**2).mean(axis=0) / np.maximum(square.mean(axis=0), TINY) ** 2
    excess = np.maximum(kurtosis - 3 - 2 * np.sqrt(24 / len(blocks)), 0.0)
    if wobble.wobbling.any():
        excess = np.maximum(excess, float(np.quantile(excess[wobble.wobbling], 0.75)))
    heavy = excess / (4 * excess + 6)
    if _has_heavy_tail(blocks, wobble):
        heavy = np.full_like(heavy, 1 / HEAVIEST)
    inverse = np.maximum(heavy, np.minimum(1, 2 * wobble.share) / 8)
    inverse = inverse + 1 / np.maximum(_spells(len(blocks), at_reference), 3)
    return np.where(wobble.share > MATTERS, 1 / inverse, NORMAL)


def _quantile(blocks: int, wobble: Wobble, at_reference: Floats) -> Floats:
    risk = REFERENCE_RISK / (2 * len(at_reference))
    freedom = np.where(wobble.share > MATTERS, np.maximum(_spells(blocks, at_reference), 5), NORMAL)
    return np.asarray(stdtrit(freedom, 1 - risk), dtype=np.float64)


def _margin(channels: Channels, blocks: Blocks, wobble: Wobble, at_reference: Floats, quantile: Floats) -> Floats:
    """Return the reference's own error; for a share seen in few rows at least its gamma bound."""
    rows = blocks.reference_rows
    margin = quantile * np.sqrt(1 / rows + wobble.variance * at_reference * blocks.unevenness / len(blocks))
    seen = channels.share * rows
    bound = gammainccinv(seen + 1, REFERENCE_RISK / (2 * len(channels))) - seen
    inflated = np.sqrt(1 + wobble.variance * blocks.typical_rows * at_reference)
    few = channels.proportion & (seen < FEW_ROWS)
    return np.where(few, np.maximum(margin, bound / rows / channels.unit * inflated), margin)
