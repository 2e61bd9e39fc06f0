"""Predictive parity: by how much precision, how often a positive prediction is right, differs between groups."""

from __future__ import annotations

from monitor.fairness.disparity import Disparity, without, worst
from monitor.fairness.measure import Measure, Observed, predicted, share_parts
from monitor.performance.metric import Undefined


def predictive_parity(now: Observed, _: Observed | None = None) -> Disparity:
    """Return the worst difference of precision."""
    found = predicted(now)
    if found is None:
        return without(Undefined.NO_PREDICTIONS)
    positive, known = found
    return worst(share_parts(now.groups, now.pairs.targets == 1, known & positive))


MEASURE = Measure(
    name="predictive_parity",
    title="Predictive parity",
    needs=frozenset({"prediction", "target"}),
    about="By how much precision, how often a positive prediction is right, differs between groups.",
    interval="Newcombe",
    source="Chouldechova 2017, Big Data 5:153",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=predictive_parity,
)
