"""Micro F1: the F1 of all labels of all rows together."""

from __future__ import annotations

from monitor.performance.answers import Found, value_of
from monitor.performance.interval import LOGIT, delta_bounds
from monitor.performance.labels import of_labels
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.pairs import LabelPairs


def f1_micro(pairs: LabelPairs) -> Found:
    """Return 2 hits / (labels + predicted labels), each over all rows."""
    hits = 2.0 * (pairs.targets & pairs.predictions).sum(axis=1)
    both = pairs.targets.sum(axis=1) + pairs.predictions.sum(axis=1)
    total = int(both.sum())
    if not total:
        return Undefined.NO_POSITIVES
    value, rows = float(hits.sum()) / total, len(hits)
    return value_of(value, delta_bounds(value, (hits - value * both) * (rows / total), LOGIT), rows)


METRIC = Metric(
    name="f1_micro",
    title="Micro F1",
    tasks=frozenset({"multilabel"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The F1 of all labels of all rows together.",
    interval="the delta method on the logit",
    source="Yang 1999, Information Retrieval 1:69",
    undefined=frozenset({Undefined.NO_POSITIVES}),
    compute=of_labels(f1_micro),
)
