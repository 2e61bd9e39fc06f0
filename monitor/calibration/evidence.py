"""Evidence: what one step says, as bets against "nothing drifted".

Each channel, sign and bet l keeps ``M <- (1 + M) exp(l z - l^2 / 2)``, a Shiryaev-Roberts e-detector (Shin, Ramdas,
Rinaldo: E-detectors): while nothing drifts, the mean of M after t steps is at most t, so that paging when the weighted
mean E of all M reaches N happens at most once in N steps on average. A channel is viewed twice: its standardised mean,
and its rank among the reference's own blocks, which knows their tails.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, rel_entr

from monitor.calibration.arrays import BETS, SIGNS, Floats, Ints, bets, signs
from monitor.calibration.null import FIRST_EXCESS, LARGEST_EXCESS, Null, excess_grid, reference_variance

LARGEST_STEP = 300.0  # of log evidence
LARGEST_EVIDENCE = 1e200
PROBABILITY_FLOOR = 1e-9


def view_weights(null: Null) -> Floats:
    """Return the weight of each M in E, the same for every sign and bet, (views,)."""
    views = np.ones(len(null.channels))
    views[null.ranked] = 2
    single = null.channels.weight / (views * len(SIGNS) * len(BETS))
    return np.concatenate([single, single[null.ranked]])


def scores(null: Null, shift: Floats, rows: Floats, expected: Floats, kappa: float) -> Floats:
    """Return z of each sign, bet and view in each step, (steps, 2, 6, views).

    Parameters
    ----------
    shift: mean score less season, (steps, C).
    rows: (steps, C).
    expected: the season, (steps, C).
    """
    some = np.maximum(rows, 1)[:, np.newaxis]
    z = np.concatenate([_mean_view(null, shift, some, expected, kappa), _rank_view(null, shift, some, kappa)], axis=-1)
    present = np.concatenate([rows > 0, rows[:, null.ranked] > 0], axis=-1)
    return np.where(present[:, np.newaxis, np.newaxis], z, 0.0)


def update(evidence: Floats, z: Floats) -> Floats:
    """Return the evidence after one step with scores z, both (2, 6, views)."""
    bet = bets()[:, np.newaxis]
    return np.minimum((1 + evidence) * np.exp(np.minimum(bet * z - bet**2 / 2, LARGEST_STEP)), LARGEST_EVIDENCE)


def _mean_view(null: Null, shift: Floats, rows: Floats, expected: Floats, kappa: float) -> Floats:
    """Return z of the mean views, (steps, 2, 6, C); ``rows`` is (steps, 1, C)."""
    channels, inflation = null.channels, null.inflation
    base = np.clip(channels.share + expected * channels.unit, channels.share / 2, 1 - (1 - channels.share) / 2)
    spread = np.where(channels.proportion, np.sqrt(base * (1 - base)) / channels.unit, 1.0)[:, np.newaxis]
    excess = signs()[:, np.newaxis] * shift[:, np.newaxis] - channels.tolerance - inflation.margin
    surprise = excess.copy()
    scored = channels.scored
    surprise[..., scored] = _scored_surprise(null.rate, excess[..., scored])
    other = np.flatnonzero(channels.proportion)
    surprise[..., other] = _share_surprise(null, other, shift[:, other], base[:, other], excess[..., other])
    variance = spread**2 / rows + reference_variance(null)
    wide = variance[:, :, np.newaxis] + null.wobble.variance * inflation.at_bets
    z = surprise[:, :, np.newaxis] / np.sqrt(wide * kappa)
    return _normal_score(z, inflation.tail)


def _scored_surprise(rate: Floats, excess: Floats) -> Floats:
    """Return sqrt(2 I(y)) for positive y, else y, (steps, 2, scored)."""
    grid = excess_grid()
    capped = np.clip(excess, 0, LARGEST_EXCESS)
    right = np.clip(np.searchsorted(grid, capped), 1, len(grid) - 1)
    sign = np.arange(len(SIGNS))[:, np.newaxis]
    column = np.arange(rate.shape[2])
    low, high = rate[sign, right - 1, column], rate[sign, right, column]
    part = (capped - grid[right - 1]) / (grid[right] - grid[right - 1])
    between = np.sqrt(2 * np.maximum(low + part * (high - low), 0.0))
    return np.where(excess < FIRST_EXCESS, excess, between)


def _share_surprise(null: Null, other: Ints, shift: Floats, base: Floats, excess: Floats) -> Floats:
    """Return sqrt(2 KL) of a share against its tolerated one, for positive excess, else the excess."""
    channels = null.channels
    unit = channels.unit[other]
    tolerated = channels.tolerance[other] + null.inflation.margin[other]
    seen = np.clip(base + shift * unit, 0, 1)[:, np.newaxis]
    edge = base[:, np.newaxis] + signs()[:, np.newaxis] * tolerated * unit
    edge = np.clip(edge, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    divergence = rel_entr(seen, edge) + rel_entr(1 - seen, 1 - edge)
    spread = (np.sqrt(base * (1 - base)) / unit)[:, np.newaxis]
    return np.where(excess <= 0, excess, np.sqrt(2 * np.maximum(divergence, 0.0)) * spread)


def _normal_score(z: Floats, tail: Floats) -> Floats:
    """Return a t value of ``tail`` degrees of freedom as a normal score (Wallace 1959)."""
    size = (8 * tail + 1) / (8 * tail + 3) * np.sqrt(tail * np.log1p(z**2 / tail))
    return np.copysign(size, z)


def _rank_view(null: Null, shift: Floats, rows: Floats, kappa: float) -> Floats:
    """Return z of the rank views, (steps, 2, 6, R); ``rows`` is (steps, 1, C)."""
    ranked, blocks = null.ranked, len(null.blocks)
    variance, share = null.wobble.variance[ranked], null.wobble.share[ranked]
    excess = signs()[:, np.newaxis] * shift[:, np.newaxis, ranked] - null.channels.tolerance[ranked]
    below = count_below(null.spells, excess / np.sqrt(variance + 1 / rows[..., ranked]))
    at_reference = null.inflation.at_reference[ranked]
    doubt = null.inflation.quantile[ranked] * np.sqrt(at_reference / blocks)
    score = ndtri((below + 0.5) / (blocks + 1)) - doubt
    charge = np.maximum(1.0, null.inflation.at_bets[:, ranked] * share + 1 - share)
    result: Floats = score[:, :, np.newaxis] / np.sqrt(charge * kappa)
    return result


def count_below(spells: Floats, value: Floats) -> Ints:
    """Return how many of each row of ``spells`` are strictly under ``value``; bisection over all rows at once.

    ``spells`` is sorted on its last axis, (2, R, B); ``value`` is (steps, 2, R).
    """
    blocks = spells.shape[-1]
    sign, row = np.ogrid[: spells.shape[0], : spells.shape[1]]
    below = np.zeros(value.shape, dtype=np.int64)
    for power in range(blocks.bit_length() - 1, -1, -1):
        further = below + 2**power
        inside = further <= blocks
        under = inside & (spells[sign, row, np.minimum(further, blocks) - 1] < value)
        below = np.where(under, further, below)
    return below
