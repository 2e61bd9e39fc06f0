"""Demographic parity: by how much the share of rows that are predicted positive differs between groups."""

from __future__ import annotations

from monitor.fairness.disparity import Disparity, without, worst
from monitor.fairness.measure import Measure, Observed, predicted, share_parts
from monitor.performance.metric import Undefined


def demographic_parity(now: Observed, _: Observed | None = None) -> Disparity:
    """Return the worst difference of the shares predicted positive."""
    found = predicted(now)
    if found is None:
        return without(Undefined.NO_PREDICTIONS)
    positive, known = found
    return worst(share_parts(now.groups, positive, known))


MEASURE = Measure(
    name="demographic_parity",
    title="Demographic parity",
    needs=frozenset({"prediction"}),
    about="By how much the share of rows that are predicted positive differs between groups.",
    interval="Newcombe",
    source="Dwork, Hardt, Pitassi, Reingold and Zemel 2012, ITCS, 214: statistical parity",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=demographic_parity,
)
