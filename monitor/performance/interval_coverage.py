"""Interval coverage: the share of targets that lie in the interval which the model itself gave, bounds included."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import value_of
from monitor.performance.interval import wilson
from monitor.performance.metric import Direction, Metric, Undefined, Value, undefined
from monitor.performance.pairs import NumberPairs


def interval_coverage(pairs: NumberPairs, _: np.random.Generator) -> Value:
    """Return the share of targets within their bounds, of the rows that have both."""
    if not len(pairs.targets):
        return undefined(Undefined.TOO_FEW_ROWS)
    if pairs.lower is None or pairs.upper is None:
        return undefined(Undefined.NO_BOUNDS)
    known = ~(np.isnan(pairs.lower) | np.isnan(pairs.upper))
    rows = int(known.sum())
    if not rows:
        return undefined(Undefined.NO_BOUNDS)
    inside = int(((pairs.lower <= pairs.targets) & (pairs.targets <= pairs.upper) & known).sum())
    return value_of(inside / rows, wilson(inside, rows), rows)


METRIC = Metric(
    name="interval_coverage",
    title="Interval coverage",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.NEITHER,
    lowest=0.0,
    highest=1.0,
    about="The share of targets that lie in the interval which the model itself gave.",
    interval="Wilson",
    source="Christoffersen 1998, International Economic Review 39:841",
    undefined=frozenset({Undefined.NO_BOUNDS}),
    compute=interval_coverage,
)
