"""Equalised odds: the worse of how recall, and the rate of false alarms, differ between groups.

Both share one level.
"""

from __future__ import annotations

from monitor.fairness.disparity import Disparity, without, worse, worst
from monitor.fairness.measure import Measure, Observed, predicted, share_parts
from monitor.performance.metric import Undefined


def equalised_odds(now: Observed, _: Observed | None = None) -> Disparity:
    """Return the worst difference of recall or of the share of negative rows that are predicted positive."""
    found = predicted(now)
    if found is None:
        return without(Undefined.NO_PREDICTIONS)
    positive, known = found
    recall, false_alarms = (share_parts(now.groups, positive, known & (now.pairs.targets == side)) for side in (1, 0))
    return worse(worst(recall, questions=2), worst(false_alarms, questions=2))


MEASURE = Measure(
    name="equalised_odds",
    title="Equalised odds",
    needs=frozenset({"prediction", "target"}),
    about="The worse of how recall, and the share of negative rows that are predicted positive, differ between groups.",
    interval="Newcombe, of both at half the level each",
    source="Hardt, Price and Srebro 2016, NeurIPS",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=equalised_odds,
)
