"""Specificity: of the negative rows, the share that is predicted so."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion
from monitor.performance.class_shares import share_of
from monitor.performance.metric import Direction, Metric, Undefined

_NEGATIVE = 0


def specificity(counts: Counts) -> Found:
    """Return the specificity of rows counted by target and prediction, (2, 2)."""
    return share_of(counts, _NEGATIVE, int(counts[_NEGATIVE].sum()), Undefined.NO_NEGATIVES)


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
    source="Yerushalmy 1947, Public Health Reports 62:1432",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_NEGATIVES}),
    compute=of_confusion(specificity),
)
