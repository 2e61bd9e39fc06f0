"""What a comparison is made of: two histograms go in; a distance, perhaps a p-value, and an effect come out.

A method (``monitor/drift``) is a pair of functions on histograms; what is compared, and what the result means
to a reader, stands here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from monitor.bins import Floats, NumericBins
from monitor.joint.settings import JointSettings
from monitor.profile import Binning, Integers, Profile
from monitor.record import Column, Kind
from monitor.settings import Settings

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
EVIDENTLYS = "evidently:"
"""What the names of Evidently's own tests begin with: they need the values themselves."""


class ColumnDriftSettings(Settings):
    """How one column is watched."""

    method: str | None = Field(None, description="how the column is compared; unset: the method of its kind")
    importance: float | None = Field(None, ge=0, description="weight of the column; unset: all alike")
    tolerance: float | None = Field(None, ge=0, le=10, description="an effect under this is no drift; standard units")
    threshold: float | None = Field(None, gt=0, description="a fixed rule: drifted from this distance on")
    p_value: float | None = Field(None, gt=0, lt=1, description="a fixed rule: drifted under this p-value")
    circular: float | None = Field(None, gt=0, description="the values go round: 24 for hours, 360 for directions")
    facets: bool | None = Field(None, description="whether facets of the column are watched; unset: drift.facets")

    @property
    def is_fixed(self) -> bool:
        """Say whether a fixed rule judges the column, and not the engine."""
        return self.threshold is not None or self.p_value is not None

    @property
    def by_evidently(self) -> bool:
        """Say whether the fixed rule is on one of Evidently's own tests."""
        return self.method is not None and self.method.startswith(EVIDENTLYS)

    @model_validator(mode="after")
    def _is_one_rule(self) -> Self:
        if self.threshold is not None and self.p_value is not None:
            raise ValueError("threshold and p_value are both given; expected one of them")
        if self.is_fixed and self.method is None:
            raise ValueError("a fixed rule without its method; expected method beside it")
        if self.is_fixed and (self.importance is not None or self.tolerance is not None):
            raise ValueError("importance and tolerance mean nothing under a fixed rule; expected the rule alone")
        return self


class DriftSettings(Settings):
    """How columns are compared with the reference."""

    numeric: str = Field("wasserstein", description="method of numeric and text columns")
    categorical: str = Field("jensen_shannon", description="method of categorical and boolean columns")
    tolerance: float = Field(0.02, ge=0, le=10, description="an effect under this is no drift; standard units")
    facets: bool = Field(True, description="watch what texts, vectors, instants and identifiers hold")  # noqa: FBT003
    outside: bool = Field(False, description="watch the share of records outside the reference")  # noqa: FBT003
    attributions: bool = Field(False, description="let attributions take part in the evidence of drift")  # noqa: FBT003
    joint: JointSettings = Field(default_factory=JointSettings, description="drift that no single column shows")
    columns: dict[str, ColumnDriftSettings] = Field(default_factory=dict, description="settings of single columns")

    def own(self, column: Column) -> ColumnDriftSettings:
        """Return the settings of a column; a derived one without any has two of its parent's."""
        if column.parent is None or column.name in self.columns:
            return self.columns.get(column.name, ColumnDriftSettings())
        of_parent = self.columns.get(column.parent, ColumnDriftSettings())
        return ColumnDriftSettings(importance=of_parent.importance, tolerance=of_parent.tolerance)

    def with_facets(self, column: Column) -> bool:
        """Say whether the facets of a column are watched."""
        own = self.columns.get(column.name, ColumnDriftSettings()).facets
        return self.facets if own is None else own

    def method_of(self, name: str, kind: Kind) -> str:
        """Return the name of the method that compares a column; that of its kind where one of Evidently's judges it."""
        own = self.columns.get(name, ColumnDriftSettings())
        if own.method is not None and not own.by_evidently:
            return own.method
        return self.numeric if kind in (Kind.NUMERIC, Kind.TEXT) else self.categorical

    def tolerance_of(self, column: Column) -> float:
        """Return the least effect of a column that matters, in standard units."""
        own = self.own(column).tolerance
        return self.tolerance if own is None else own


@dataclass(frozen=True, slots=True)
class Histogram:
    """One column, or a stack of them: counts of values by cell, and of missing ones beside.

    Attributes
    ----------
    counts: int64 (..., cells).
    missing: int64 (...).
    centres: what a row of each cell counts as, float64 (cells,); ``None`` for categories.
    """

    counts: Integers = field(repr=False)
    missing: Integers = field(repr=False)
    centres: Floats | None = field(repr=False, default=None)

    def folded(self, fold: NDArray[np.intp]) -> Histogram:
        """Return the histogram with cells added up into coarser bins; ``fold`` names the bin of each cell."""
        starts = np.flatnonzero(np.concatenate(([True], fold[1:] != fold[:-1])))
        return Histogram(np.add.reduceat(self.counts, starts, axis=-1), self.missing)

    def with_missing(self) -> Integers:
        """Return the counts with missing values as one bin more, int64 (..., cells + 1)."""
        return np.concatenate((self.counts, np.asarray(self.missing)[..., None]), axis=-1)


class Unit(StrEnum):
    """What an effect is measured in."""

    SD = "sd"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Effect:
    """How large a change is, with its 95 % interval: a shift in reference standard deviations, or in a share."""

    value: float
    lower: float
    upper: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Side:
    """A column on one side of a comparison; ``None`` where the figure has no meaning."""

    rows: int
    missing_ratio: float | None
    unseen_ratio: float | None
    mean: float | None
    sd: float | None

    @property
    def values(self) -> float:
        """Return how many rows are not missing, at least 1."""
        return max(self.rows * (1 - (self.missing_ratio or 0.0)), 1.0)


def histogram_of(profile: Profile, binning: Binning, place: int) -> Histogram:
    """Return the histogram of one column of a profile."""
    watched = binning.columns[place]
    centres = watched.bins.centres if isinstance(watched.bins, NumericBins) else None
    span = slice(binning.offsets[place], binning.offsets[place + 1])
    return Histogram(profile.counts[span], profile.absent[place], centres)


def sides_of(profile: Profile, binning: Binning) -> tuple[Side, ...]:
    """Return the plain figures of every column of a profile.

    Means are exact to 2**-16 of the reference's inner range, and standard deviations to 2**-8.
    """
    reached = np.concatenate(([0], np.cumsum(profile.counts)))
    values = np.diff(reached[list(binning.offsets)]).tolist()
    missing, sums, squares = profile.absent.tolist(), profile.sums.tolist(), profile.squares.tolist()
    figures = zip(binning.columns, binning.offsets[1:], missing, values, sums, squares, strict=True)
    sides = []
    for watched, end, absent, *of_values in figures:
        unseen, mean, sd = (None, None, None)
        if isinstance(watched.bins, NumericBins):
            unseen = 0.0
            mean, sd = _moments(watched.bins, *of_values)
        elif watched.bins is not None:
            unseen = int(profile.counts[end - 1]) / max(profile.rows, 1)
        ratio = absent / profile.rows if profile.rows else None
        sides.append(Side(profile.rows, ratio, unseen if profile.rows else None, mean, sd))
    return tuple(sides)


def _moments(bins: NumericBins, number: int, total: int, squared: int) -> tuple[float | None, float | None]:
    """Return mean and standard deviation from sums of whole quanta."""
    if not number:
        return None, None
    mean = total / number
    square = squared / number * 2.0**16
    return bins.origin + mean * bins.quantum, math.sqrt(max(square - mean * mean, 0.0)) * bins.quantum


def shift_effect(reference: Side, current: Side) -> Effect | None:
    """Return the shift of the mean in reference standard deviations, with Welch's standard error."""
    if reference.mean is None or current.mean is None or not reference.sd or current.sd is None:
        return None
    value = (current.mean - reference.mean) / reference.sd
    error = math.sqrt(1 / reference.values + (current.sd / reference.sd) ** 2 / current.values)
    return Effect(value, value - Z95 * error, value + Z95 * error, Unit.SD)


def share_effect(reference: Histogram, current: Histogram) -> Effect | None:
    """Return the change of the share, missing values included, that changed most, with Wald's interval."""
    old, new = reference.with_missing(), current.with_missing()
    n, m = int(old.sum()), int(new.sum())
    if not n or not m:
        return None
    p, q = old / n, new / m
    place = int(np.argmax(np.abs(q - p)))
    value = float(q[place] - p[place])
    error = math.sqrt(p[place] * (1 - p[place]) / n + q[place] * (1 - q[place]) / m)
    return Effect(value, value - Z95 * error, value + Z95 * error, Unit.RATIO)
