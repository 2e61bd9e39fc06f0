"""Specificity: of the negative rows, the share that is predicted so."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import wilson
from monitor.performance.metric import Direction, Metric, Undefined


def specificity(counts: Counts) -> Found:
    """Return the specificity of rows counted by target and prediction, (2, 2)."""
    left_alone, negatives = int(counts[0, 0]), int(counts[0].sum())
    if not negatives:
        return Undefined.NO_NEGATIVES
    return value_of(left_alone / negatives, wilson(left_alone, negatives), int(counts.sum()))


METRIC = Metric(
    name="specificity",
    title="Specificity",
    tasks=frozenset({"binary"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="Of the negative rows, the share that is predicted so.",
    interval="Wilson",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_NEGATIVES}),
    compute=of_confusion(specificity),
)
