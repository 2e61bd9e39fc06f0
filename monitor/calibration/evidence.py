"""Evidence: what one step says, as bets against "nothing drifted".

Each channel, sign and bet l keeps ``M <- (1 + M) exp(l z - l^2 / 2)``, a Shiryaev-Roberts e-detector (Shin, Ramdas,
Rinaldo: E-detectors): while nothing drifts, the mean of M after t steps is at most t, so that paging when the weighted
mean E of all M reaches N happens at most once in N steps on average. A channel is viewed twice: its standardised mean,
and its rank among the reference's own blocks, which knows their tails.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, rel_entr

from monitor.calibration.arrays import SIGNS, Floats, Ints, bets, signs
from monitor.calibration.channels import Channels
from monitor.calibration.null import EXCESSES, FIRST_EXCESS, LARGEST_EXCESS, Null

LARGEST_STEP = 300.0  # of log evidence
LARGEST_EVIDENCE = 1e200
PROBABILITY_FLOOR = 1e-9
FEW_VALUES = 48
"""So many are found sooner one by one."""


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
    growth = np.exp(np.minimum(bet * z - bet**2 / 2, LARGEST_STEP))
    with np.errstate(over="ignore"):  # the cap is what is wanted
        return np.minimum((1 + evidence) * growth, LARGEST_EVIDENCE)


def _mean_view(null: Null, shift: Floats, rows: Floats, expected: Floats, kappa: float) -> Floats:
    """Return z of the mean views, (steps, 2, 6, C); ``rows`` is (steps, 1, C)."""
    channels, inflation = null.channels, null.inflation
    base = expected_share(channels, expected)
    spread = row_spread(channels, base)[:, np.newaxis]
    excess = signs()[:, np.newaxis] * shift[:, np.newaxis] - channels.tolerance - inflation.margin
    surprise = excess.copy()
    scored, other = channels.scored, null.shares
    surprise[..., scored] = scored_surprise(null.rate, excess[..., scored])
    surprise[..., other] = _share_surprise(null, other, shift[:, other], base[:, other], excess[..., other])
    variance = spread**2 / rows + null.reference_variance
    wide = variance[:, :, np.newaxis] + null.wobbles
    z = surprise[:, :, np.newaxis] / np.sqrt(wide * kappa)
    return _normal_score(z, inflation.tail, null.wallace)


def expected_share(channels: Channels, expected: Floats) -> Floats:
    """Return the share that a season expects of each proportion, kept off 0 and 1, (steps, C)."""
    return np.clip(channels.share + expected * channels.unit, channels.share / 2, 1 - (1 - channels.share) / 2)


def row_spread(channels: Channels, base: Floats) -> Floats:
    """Return the standard deviation of a single row in units of the channel, at a proportion's expected share."""
    spread: Floats = np.where(channels.proportion, np.sqrt(base * (1 - base)) / channels.unit, 1.0)
    return spread


def scored_surprise(rate: Floats, excess: Floats) -> Floats:
    """Return sqrt(2 I(y)) for positive y, else y, (steps, 2, scored)."""
    capped = np.clip(excess, 0, LARGEST_EXCESS)
    right = np.clip(np.searchsorted(EXCESSES, capped), 1, len(EXCESSES) - 1)
    sign = np.arange(len(SIGNS))[:, np.newaxis]
    column = np.arange(rate.shape[2])
    low, high = rate[sign, right - 1, column], rate[sign, right, column]
    part = (capped - EXCESSES[right - 1]) / (EXCESSES[right] - EXCESSES[right - 1])
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


def _normal_score(z: Floats, tail: Floats, factor: Floats) -> Floats:
    """Return a t value of ``tail`` degrees of freedom as a normal score (Wallace 1959), given their factor."""
    size = factor * np.sqrt(tail * np.log1p(z**2 / tail))
    return np.copysign(size, z)


def _rank_view(null: Null, shift: Floats, rows: Floats, kappa: float) -> Floats:
    """Return z of the rank views, (steps, 2, 6, R); ``rows`` is (steps, 1, C)."""
    ranked, blocks, charges = null.ranked, null.blocks, null.rank_charges
    excess = signs()[:, np.newaxis] * shift[:, np.newaxis, ranked] - charges.tolerance
    standard = excess / np.sqrt(charges.variance + 1 / rows[..., ranked])
    standard[:, 1] = np.nextafter(-standard[:, 1], np.inf)  # what is under this is at most -standard
    below = count_under(null.spells, standard)
    below[:, 1] = blocks - below[:, 1]
    score = ndtri((below + 0.5) / (blocks + 1)) - charges.doubt
    result: Floats = score[:, :, np.newaxis] / np.sqrt(charges.inflated * kappa)
    return result


def count_under(spells: Floats, value: Floats) -> Ints:
    """Return how many of each row are under a value, (..., R).

    ``spells`` is sorted on its last axis, (R, B); ``value`` is (..., R). Of few values each is searched for by itself,
    of many all at once, by bisection.
    """
    if value.size <= FEW_VALUES:
        each = [spells[place % len(spells)].searchsorted(one) for place, one in enumerate(value.ravel())]
        return np.array(each, dtype=np.int64).reshape(value.shape)
    blocks = spells.shape[-1]
    flat = spells.reshape(-1)
    before = np.arange(len(spells)) * blocks - 1
    under = np.zeros(value.shape, dtype=np.int64)
    for power in range(blocks.bit_length() - 1, -1, -1):
        further = under + 2**power
        seen = flat.take(before + np.minimum(further, blocks))
        under += 2**power * ((seen < value) & (further <= blocks))
    return under
