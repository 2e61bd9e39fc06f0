"""Equal opportunity: by how much the share of positive rows that are predicted so differs between groups."""

from __future__ import annotations

from monitor.fairness.disparity import Disparity, without, worst
from monitor.fairness.measure import Measure, Observed, predicted, share_parts
from monitor.performance.metric import Undefined


def equal_opportunity(now: Observed, _: Observed | None = None) -> Disparity:
    """Return the worst difference of recall."""
    found = predicted(now)
    if found is None:
        return without(Undefined.NO_PREDICTIONS)
    positive, known = found
    return worst(share_parts(now.groups, positive, known & (now.pairs.targets == 1)))


MEASURE = Measure(
    name="equal_opportunity",
    title="Equal opportunity",
    needs=frozenset({"prediction", "target"}),
    about="By how much recall, the share of positive rows that are predicted so, differs between groups.",
    interval="Newcombe",
    source="Hardt, Price and Srebro 2016, NeurIPS",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=equal_opportunity,
)
