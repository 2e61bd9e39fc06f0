"""A column as a judge watches it: where it stands, how it is compared, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from monitor.bins import NumericBins
from monitor.calibration.channels import Feature
from monitor.comparison import DriftSettings, Histogram, Side, histogram_of
from monitor.drift import METHODS, Method
from monitor.drift.by_evidently import EvidentlyRule, rule_in
from monitor.drift.method import FromReference
from monitor.drift.rule import Rule
from monitor.drift.threshold import Threshold, calibrate
from monitor.record import Column, Role
from monitor.reference import Reference
from monitor.window import WindowSettings


@dataclass(frozen=True, slots=True)
class Watched:
    """A column that is judged: where it stands in the binning, how it is compared, and with what.

    Attributes
    ----------
    tolerance: the least effect that matters, in standard units.
    threshold: ``None`` without timestamps: there are no steps to calibrate on.
    rule: ``None`` where the engine and the threshold judge; under a rule the column has no part in the evidence. One on
        a test of Evidently's is asked of a child process: the method is that of the kind, and says nothing.
    aside: whether it has none for another reason: it is judged by its threshold alone.
    whole, side: the reference, in the cells or bins that the method reads, and in plain figures.
    """

    place: int
    column: Column
    method: Method
    importance: float | None
    tolerance: float
    threshold: Threshold | None = field(repr=False)
    rule: Rule | EvidentlyRule | None
    whole: Histogram = field(repr=False)
    side: Side = field(repr=False)
    aside: bool = False
    distance: FromReference = field(init=False, repr=False)
    """The method's distance from the reference."""

    @property
    def told(self) -> str:
        """Return the name of the method that judges it."""
        return self.rule.test.name if isinstance(self.rule, EvidentlyRule) else self.method.name

    @property
    def yields_p_value(self) -> bool:
        """Say whether that method has a p-value."""
        rule, tail = self.rule, self.method.tail
        return rule.test.yields_p_value if isinstance(rule, EvidentlyRule) else tail is not None

    @property
    def weighs(self) -> bool:
        """Say whether it has a part in the evidence of drift."""
        return self.rule is None and not self.aside

    def __post_init__(self) -> None:
        object.__setattr__(self, "distance", self.method.from_reference(self.whole))


def watch(reference: Reference, place: int, drift: DriftSettings, window: WindowSettings, side: Side) -> Watched:
    """Return how a column of a reference is judged.

    Parameters
    ----------
    place: of the column in the reference's binning.
    side: the reference in plain figures.
    """
    column, fold = reference.binning.columns[place].column, reference.folds[place]
    method = METHODS[drift.method_of(column.name, column.kind)]
    cells = histogram_of(reference.profile, reference.binning, place)
    own = drift.own(column)
    return Watched(
        place,
        column,
        method,
        own.importance,
        drift.tolerance_of(column),
        None if own.is_fixed else _threshold(reference, place, drift, window),
        rule_in(own) or Rule(own.threshold, own.p_value) if own.is_fixed else None,
        cells if method.grain == "cells" or fold is None else cells.folded(fold),
        side,
        column.role is Role.ATTRIBUTION and not drift.attributions,
    )


def _threshold(reference: Reference, place: int, drift: DriftSettings, window: WindowSettings) -> Threshold | None:
    bins = reference.binning.columns[place]
    if reference.steps is None:
        return None
    method = METHODS[drift.method_of(bins.column.name, bins.column.kind)]
    missing = reference.steps.missing[:, place]
    counts = reference.fine.get(bins.column.name, reference.steps.counts[place]).astype(np.int64)
    centres = bins.bins.centres if isinstance(bins.bins, NumericBins) and method.grain == "cells" else None
    steps = Histogram(counts, missing, centres)
    whole = Histogram(counts.sum(axis=0), np.asarray(missing.sum()), centres)
    return calibrate(method, steps, whole, drift.tolerance_of(bins.column), window.length // window.every)


def features_of(reference: Reference, watched: Sequence[Watched]) -> list[Feature]:
    """Return the watched columns as the engine takes them.

    A derived column is of one group with its parent; of a group only the first watches the rows without a value.
    """
    parents = {entry.column.parent for entry in watched}
    seen: set[str] = set()
    features = []
    for entry in watched:
        name = entry.column.name
        group = entry.column.parent or (name if name in parents else None)
        numeric = isinstance(reference.binning.columns[entry.place].bins, NumericBins)
        kind: Literal["numeric", "category"] = "numeric" if numeric else "category"
        features.append(Feature(name, kind, entry.importance, entry.tolerance, group, group not in seen))
        seen.add(group or name)
    return features
