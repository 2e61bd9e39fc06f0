"""Channels: the scores by which a feature's counts are watched.

A feature's rows are counted in bins, and its rows without a value apart. A channel is a score of the bins
with mean 0 and variance 1 over the reference; its mean in a step is what the engine judges, so that every
channel is in units of the reference's standard deviation.

| feature | channels |
|---|---|
| numeric | location and scale of the normal scores; shares of the low, high and extreme bins |
| category | share of each level that the reference shows often; of the rare ones; of the unseen ones |
| both | share of rows without a value |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import ndtri

from monitor.calibration.arrays import Bools, Floats, Ints

LEAST_EFFECT_SD = 0.02  # a smaller shift never matters, unless a feature says otherwise
RATIO_AN_SD = 0.1  # nor does a change of a share under this part of it
LOW_POINT, HIGH_POINT = 0.15, 0.85
EXTREME_POINT = 0.005  # on both sides
KEPT_SHARE = (0.002, 0.5)  # of low, high and tail
ONE_BIN_SHARE = 0.999  # above it there is no location to speak of
FREQUENT_ROWS, FREQUENT_RATIO = 20, 0.002  # a level of a category is watched by itself from here
CERTAIN = 1e-6  # a share this near to 0 or 1 has no usable variance
NO_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class Feature:
    """One watched column.

    Attributes
    ----------
    kind: bins of a ``numeric`` feature are in ascending order of value; those of a ``category`` are levels.
    importance: any scale, negative counts as 0; ``None`` where it is not known.
    tolerance: the least effect that matters, in standard deviations; a tenth of it is that of a share.
    group: features of one group share the weight of one feature; ``None``: it is one by itself.
    missing: whether rows without a value are watched, as they are unless another of the group has the same.
    """

    name: str
    kind: Literal["numeric", "category"]
    importance: float | None = None
    tolerance: float = LEAST_EFFECT_SD
    group: str | None = field(default=None, repr=False)
    missing: bool = field(default=True, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """All channels of all features, in order of feature; C in all.

    Attributes
    ----------
    names: ``location``, ``scale``, ``low``, ``high``, ``tail``, ``level0`` …, ``rare``, ``unseen``, ``missing``.
    feature: index of the feature, (C,).
    missing: whether n counts all rows, not only those with a value, (C,).
    proportion: whether the score is that of a share, (C,).
    share: p of a proportion in the reference, smoothed; .5 for others, (C,).
    unit: sqrt(p (1-p)) of a proportion; 1 for others, (C,).
    tolerance: the least effect that matters, in units of the channel, (C,).
    weight: of the bets on this channel; sums to 1, (C,).
    index, value, starts: the scores, sparse: channel c sums ``value`` times the flat counts at ``index`` over its
        entries from ``starts[c]`` on. Flat counts are those of all bins, then those missing.
    scored, spectra: the channels that are no proportion, and the (mass, score) of their bins.
    """

    names: tuple[str, ...]
    feature: Ints
    missing: Bools
    proportion: Bools
    share: Floats
    unit: Floats
    tolerance: Floats
    weight: Floats
    index: Ints
    value: Floats
    starts: Ints
    scored: Ints
    spectra: tuple[tuple[Floats, Floats], ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True, eq=False)
class _Score:
    """One channel before all are put together; ``bins`` are flat indices."""

    name: str
    bins: Ints
    value: Floats
    share: float | None = None
    mass: Floats | None = None


def bin_mass(count: Ints) -> Floats:
    """Return the smoothed share of each bin, (bins,): half a row is spread over all of them."""
    mass: Floats = (count + 0.5 / len(count)) / (count.sum() + 0.5)
    return mass


def build(features: Sequence[Feature], flat: Ints, sizes: Sequence[int]) -> Channels:
    """Return the channels for the reference's counts.

    Parameters
    ----------
    flat: counts over the whole reference: the bins of all features, then the rows without a value of each.
    sizes: number of bins of each feature.
    """
    scores = [(index, score) for index, score in _all_scores(features, flat, sizes)]
    feature = np.array([index for index, _ in scores], dtype=np.int64)
    shares = np.array([0.5 if score.share is None else score.share for _, score in scores], dtype=np.float64)
    proportion = np.array([score.share is not None for _, score in scores], dtype=np.bool_)
    unit = np.where(proportion, np.sqrt(shares * (1 - shares)), 1.0)
    tolerance = np.array([features[index].tolerance for index, _ in scores], dtype=np.float64)
    lengths = np.array([len(score.bins) for _, score in scores], dtype=np.int64)
    return Channels(
        names=tuple(score.name for _, score in scores),
        feature=feature,
        missing=np.array([score.name == "missing" for _, score in scores], dtype=np.bool_),
        proportion=proportion,
        share=shares,
        unit=unit,
        tolerance=np.where(proportion, np.maximum(tolerance, tolerance * RATIO_AN_SD / unit), tolerance),
        weight=weights(features, feature),
        index=np.concatenate([score.bins for _, score in scores]) if scores else np.zeros(0, dtype=np.int64),
        value=np.concatenate([score.value for _, score in scores]) if scores else np.zeros(0),
        starts=np.cumsum(lengths) - lengths,
        scored=np.flatnonzero(~proportion),
        spectra=tuple((score.mass, score.value) for _, score in scores if score.mass is not None),
    )


def weights(features: Sequence[Feature], feature: Ints) -> Floats:
    """Return the weight of each channel: half uniform, half by importance over groups of features, even within one.

    The features of a group have equal parts of it, the channels of a feature equal parts of that; a group is as
    important as the most important of its features.
    """
    present = np.unique(feature)
    group = _groups(features)
    heads = np.unique(group[present])
    importance = np.zeros(len(features))
    np.maximum.at(importance, group[present], [max(features[index].importance or 0.0, 0.0) for index in present])
    importance = importance[heads]
    uniform = np.full(len(heads), 1 / max(len(heads), 1))
    by_importance = importance / importance.sum() if importance.sum() > 0 else uniform
    share = np.zeros(len(features))
    share[heads] = (uniform + by_importance) / 2
    members = np.bincount(group[present], minlength=len(features))
    channels = np.bincount(feature, minlength=len(features))
    weight: Floats = share[group[feature]] / members[group[feature]] / channels[feature]
    return weight


def _groups(features: Sequence[Feature]) -> Ints:
    """Return for each feature the place of the first one of its group."""
    first: dict[str, int] = {}
    places = [
        place if feature.group is None else first.setdefault(feature.group, place)
        for place, feature in enumerate(features)
    ]
    return np.array(places, dtype=np.int64)


def means(channels: Channels, flat: Ints, sizes: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the mean score and the number of rows of each channel in each step, both (steps, C).

    The mean of a step without rows is 0. Each step is summed by itself and in one order, so that a step gives the same
    bits alone or among others.
    """
    edges = np.cumsum([0, *sizes])
    total = np.add.reduceat(flat[:, : edges[-1]], edges[:-1], axis=1)
    all_rows = total + flat[:, edges[-1] :]
    rows = np.where(channels.missing, all_rows[:, channels.feature], total[:, channels.feature]).astype(np.float64)
    sums = np.add.reduceat(flat[:, channels.index] * channels.value, channels.starts, axis=1)
    mean = sums / np.maximum(rows, 1)
    standard = np.where(channels.proportion, (mean - channels.share) / channels.unit, mean)
    return np.where(rows > 0, standard, 0.0), rows


def _all_scores(features: Sequence[Feature], flat: Ints, sizes: Sequence[int]) -> Iterator[tuple[int, _Score]]:
    edges = np.cumsum([0, *sizes])
    for index, feature in enumerate(features):
        count = flat[edges[index] : edges[index + 1]]
        bins = np.arange(edges[index], edges[index + 1])
        without = int(flat[edges[-1] + index])
        if count.sum() > 0:
            found = _numeric(count, bins) if feature.kind == "numeric" else _category(count, bins)
            yield from ((index, score) for score in found)
        if feature.missing and count.sum() + without > 0:
            share = (without + 0.5) / (float(count.sum()) + without + 1)
            yield index, _Score("missing", np.array([edges[-1] + index]), np.ones(1), share)


def _numeric(count: Ints, bins: Ints) -> Iterator[_Score]:
    mass, rows = bin_mass(count), int(count.sum())
    upper = np.cumsum(mass)
    lower = upper - mass
    middle = np.clip((lower + upper) / 2, 0.5 / (rows + 1), 1 - 0.5 / (rows + 1))
    if mass.max() < ONE_BIN_SHARE:
        yield from _normal_scores(ndtri(middle), mass, bins)
    outside = (middle < EXTREME_POINT) | (middle > 1 - EXTREME_POINT)
    for name, member in (("low", upper <= LOW_POINT), ("high", lower >= HIGH_POINT), ("tail", outside)):
        if KEPT_SHARE[0] < mass[member].sum() < KEPT_SHARE[1]:
            yield from _share(name, member, mass, bins)


def _normal_scores(score: Floats, mass: Floats, bins: Ints) -> Iterator[_Score]:
    """Yield location and scale: the normal scores, and their square made orthogonal to them."""
    location = _standard(score, mass)
    if location is None:
        return
    yield _Score("location", bins, location, mass=mass)
    square = score**2
    scale = _standard(square - (mass * square * location).sum() * location, mass)
    if scale is not None:
        yield _Score("scale", bins, scale, mass=mass)


def _standard(score: Floats, mass: Floats) -> Floats | None:
    centred = score - (mass * score).sum()
    spread = float(np.sqrt((mass * centred**2).sum()))
    return centred / spread if spread > NO_SPREAD else None


def _category(count: Ints, bins: Ints) -> Iterator[_Score]:
    mass, rows = bin_mass(count), int(count.sum())
    frequent = count >= max(FREQUENT_ROWS, FREQUENT_RATIO * rows)
    levels = np.flatnonzero(frequent)
    for level in levels[:1] if len(count) == 2 else levels:  # noqa: PLR2004 - of two levels one says all
        yield from _share(f"level{level}", np.arange(len(count)) == level, mass, bins)
    yield from _share("rare", ~frequent & (count > 0), mass, bins)
    yield from _share("unseen", count == 0, mass, bins, least=0.0)


def _share(name: str, member: Bools, mass: Floats, bins: Ints, least: float = CERTAIN) -> Iterator[_Score]:
    """Yield the share of some bins, where it is over ``least``.

    None is asked of the unseen ones: theirs is half a row of the reference, and the larger that is, the plainer a
    level that it never had.
    """
    share = float(mass[member].sum())
    if least < share < 1 - CERTAIN:
        yield _Score(name, bins[member], np.ones(int(member.sum())), share)
