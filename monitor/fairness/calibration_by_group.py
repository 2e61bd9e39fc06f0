"""Calibration by group: by how much the mean of target less score differs between groups.

A group whose scores promise more than comes true is below zero (calibration in the large).
"""

from __future__ import annotations

import numpy as np

from monitor.fairness.disparity import Disparity, without, worst
from monitor.fairness.measure import Measure, Observed, mean_parts
from monitor.performance.answers import probable
from monitor.performance.metric import Undefined


def calibration_by_group(now: Observed, _: Observed | None = None) -> Disparity:
    """Return the worst difference of the mean of target less score; a score that is no probability does not enter."""
    scores = now.pairs.scores
    if scores is None:
        return without(Undefined.NO_SCORES)
    return worst(mean_parts(now.groups, np.where(probable(scores), now.pairs.targets - scores, np.nan)))


MEASURE = Measure(
    name="calibration_by_group",
    title="Calibration by group",
    needs=frozenset({"score", "target"}),
    about=(
        "By how much the mean of target less score differs between groups: what one is promised too much, and "
        "another too little."
    ),
    interval="the normal law",
    source="Kleinberg, Mullainathan and Raghavan 2017, ITCS: calibration within groups, here in the large",
    undefined=frozenset({Undefined.NO_SCORES}),
    compute=calibration_by_group,
    least=-2.0,
)
