"""Macro F1: the mean of the F1 of each label that is a target or predicted anywhere."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, value_of
from monitor.performance.interval import LOGIT, delta_bounds
from monitor.performance.labels import of_labels
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.pairs import LabelPairs


def f1_macro(pairs: LabelPairs) -> Found:
    """Return the mean over labels of 2 hits / (rows with it + rows predicted to have it)."""
    both = pairs.targets.astype(np.float64) + pairs.predictions
    seen = both.any(axis=0)
    if not seen.any():
        return Undefined.NO_POSITIVES
    both = both[:, seen]
    hits = 2.0 * (pairs.targets & pairs.predictions)[:, seen]
    shares = both.mean(axis=0)
    each = hits.mean(axis=0) / shares
    value = min(float(each.mean()), 1.0)
    influences = ((hits - each * both) / shares).mean(axis=1)
    return value_of(value, delta_bounds(value, influences, LOGIT), len(both))


METRIC = Metric(
    name="f1_macro",
    title="Macro F1",
    tasks=frozenset({"multilabel"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The mean of the F1 of each label that is a target or predicted anywhere.",
    interval="the delta method on the logit",
    source="Yang 1999, Information Retrieval 1:69",
    undefined=frozenset({Undefined.NO_POSITIVES}),
    compute=of_labels(f1_macro),
)
