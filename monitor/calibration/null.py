"""The null: all that a reference in which nothing drifts says about the steps to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from monitor.calibration import channels as _channels
from monitor.calibration import inflation as _inflation
from monitor.calibration import season as _season
from monitor.calibration import wobble as _wobble
from monitor.calibration.arrays import BETS, SIGNS, WOBBLING, Floats, Ints
from monitor.calibration.channels import Channels, Feature
from monitor.calibration.inflation import MATTERS, Inflation
from monitor.calibration.season import Season
from monitor.calibration.wobble import Blocks, Wobble

LEAST_RANK_BLOCKS = 50
LARGEST_EXCESS = 60.0
FIRST_EXCESS = 1e-3  # below it, the rate function is the normal one
TILTS: Floats = np.append(0.0, np.geomspace(1e-3, 200, 500))
EXCESSES: Floats = np.append(0.0, np.geomspace(FIRST_EXCESS, LARGEST_EXCESS, 200))
AT_ONCE = 64  # steps scored together: bounds memory, changes no result


class RankCharges(NamedTuple):
    """What every rank view is charged, all (R,) but ``inflated``, (6, R): see :func:`evidence.scores`."""

    tolerance: Floats
    variance: Floats
    doubt: Floats
    inflated: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """What a step is judged by.

    Attributes
    ----------
    blocks, span: number of blocks in the reference, and steps from its first to its last.
    typical_rows: of a block: see :func:`wobble.weigh`, (C,).
    reference_variance: of the reference's mean and season, (C,).
    view_weight: of each M in E, the same for every sign and bet, (views,).
    rate: the rate function of the scored channels at EXCESSES, (2, 201, scored).
    ranked: the channels with a rank view, (R,).
    spells: sorted, the ranked channels' standardised residuals, (R, B).
    shares, wobbles, wallace, rank_charges: what follows from these, and every step needs: which channels are
        proportions; the wobble that each bet is charged, (6, C); Wallace's factor of a t value, (C,).
    """

    channels: Channels
    season: Season
    wobble: Wobble
    inflation: Inflation
    blocks: int
    span: int
    typical_rows: Floats
    reference_variance: Floats
    view_weight: Floats
    rate: Floats
    ranked: Ints
    spells: Floats
    shares: Ints = field(init=False, repr=False)
    wobbles: Floats = field(init=False, repr=False)
    wallace: Floats = field(init=False, repr=False)
    rank_charges: RankCharges = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inflation, ranked, tail = self.inflation, self.ranked, self.inflation.tail
        share = self.wobble.share[ranked]
        charges = RankCharges(
            self.channels.tolerance[ranked],
            self.wobble.variance[ranked],
            inflation.quantile[ranked] * np.sqrt(inflation.at_reference[ranked] / self.blocks),
            np.maximum(1.0, inflation.at_bets[:, ranked] * share + 1 - share),
        )
        object.__setattr__(self, "shares", np.flatnonzero(self.channels.proportion))
        object.__setattr__(self, "wobbles", self.wobble.variance * inflation.at_bets)
        object.__setattr__(self, "wallace", (8 * tail + 1) / (8 * tail + 3))
        object.__setattr__(self, "rank_charges", charges)

    @property
    def evidence_shape(self) -> tuple[int, int, int]:
        """Signs, bets, and views: all channels by their mean, then the ranked ones by their rank."""
        return len(SIGNS), len(BETS), len(self.channels) + len(self.ranked)


def rate_table(channels: Channels) -> Floats:
    """Return Cramér's rate function of each scored channel and sign, (2, 201, scored).

    I(y) = max over l of l y - log sum mass exp(l sign score): how unlikely a mean of y over many rows is, a row.
    """
    products = np.outer(EXCESSES, TILTS)
    table = np.zeros((len(SIGNS), len(EXCESSES), len(channels.spectra)))
    for column, (mass, score) in enumerate(channels.spectra):
        for row, sign in enumerate(SIGNS):
            exponent = np.outer(TILTS, sign * score)
            top = exponent.max(axis=1)
            cumulant = np.log((mass * np.exp(exponent - top[:, np.newaxis])).sum(axis=1)) + top
            table[row, :, column] = (products - cumulant).max(axis=1)
    return table


def rank_view(residual: Floats, rows: Floats, wobble: Wobble) -> tuple[Ints, Floats]:
    """Return the channels with a rank view and their sorted standardised residuals, (R,) and (R, B)."""
    if len(rows) < LEAST_RANK_BLOCKS or not (wobble.share > WOBBLING).any():
        return np.zeros(0, dtype=np.int64), np.zeros((0, len(rows)))
    ranked = np.flatnonzero(wobble.share > MATTERS)
    rows = rows[:, ranked]
    standard = residual[:, ranked] / np.sqrt(wobble.variance[ranked] + 1 / np.maximum(rows, 1))
    return ranked, np.sort(np.where(rows > 0, standard, 0.0).T, axis=-1)


def view_weights(channels: Channels, ranked: Ints) -> Floats:
    """Return the weight of each M in E, the same for every sign and bet, (views,)."""
    views = np.ones(len(channels))
    views[ranked] = 2
    single = channels.weight / (views * len(SIGNS) * len(BETS))
    return np.concatenate([single, single[ranked]])


def fit(
    features: Sequence[Feature], times: Ints, flat: Ints, sizes: Sequence[int], periods: Sequence[int]
) -> Null | None:
    """Return the null of a stretch of blocks, or ``None`` if it holds no row.

    Parameters
    ----------
    times: of the blocks, in steps, (B,).
    flat: counts of all features' bins, then the rows without a value of each, (B, bins + features).
    sizes: number of bins of each feature.
    periods: of possible seasons, in steps.
    """
    totals = flat.sum(axis=0)
    channels = _channels.build(features, totals, sizes)
    if not len(channels):
        return None
    (reference_mean,), (reference_rows,) = _channels.means(channels, totals[np.newaxis], sizes)
    mean, rows = means_at(channels, flat, sizes)
    mean = np.where(rows > 0, mean, reference_mean)
    season = _season.fit(times, mean, rows, reference_mean, periods)
    residual = np.where(rows > 0, mean - season.at(times), 0.0)
    weighed, typical_rows, unevenness = _wobble.weigh(residual, rows)
    blocks = Blocks(times, weighed, rows, reference_rows, typical_rows, season.freedom, unevenness)
    wobble = _wobble.fit(channels, blocks)
    ranked, spells = rank_view(residual, rows, wobble)
    inflation = _inflation.fit(channels, blocks, wobble)
    season_variance = wobble.variance * inflation.at_reference * (season.freedom - 1) / len(blocks)
    return Null(
        channels=channels,
        season=season,
        wobble=wobble,
        inflation=inflation,
        blocks=len(blocks),
        span=int(times[-1] - times[0]) + 1,
        typical_rows=blocks.typical_rows,
        reference_variance=1 / reference_rows + season_variance,
        view_weight=view_weights(channels, ranked),
        rate=rate_table(channels),
        ranked=ranked,
        spells=spells,
    )


def means_at(channels: Channels, flat: Ints, sizes: Sequence[int]) -> tuple[Floats, Floats]:
    """Return :func:`channels.means` of many steps, a few at once."""
    parts = [_channels.means(channels, flat[at : at + AT_ONCE], sizes) for at in range(0, len(flat), AT_ONCE)]
    return np.concatenate([mean for mean, _ in parts]), np.concatenate([rows for _, rows in parts])
