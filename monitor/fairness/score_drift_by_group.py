"""Score drift by group: by how much the shift of the mean score since the reference differs between groups.

Needs no targets: a change that meets one group alone is seen before any outcome is known.
"""

from __future__ import annotations

import math

from monitor.fairness.disparity import Disparity, Part, without, worst
from monitor.fairness.measure import Measure, Observed, mean_parts
from monitor.performance.metric import Undefined

_NOBODY = Part("", 0.0, 0, 0.0)


def _shift(part: Part, before: Part) -> Part:
    rows = min(part.rows, before.rows)
    return Part(part.group, part.value - before.value, rows, math.hypot(part.error or 0.0, before.error or 0.0))


def score_drift_by_group(now: Observed, reference: Observed | None) -> Disparity:
    """Return the worst difference of the shifts of groups that both sides have."""
    if reference is None:
        return without(Undefined.NO_REFERENCE)
    if now.pairs.scores is None or reference.pairs.scores is None:
        return without(Undefined.NO_SCORES)
    before = {part.group: part for part in mean_parts(reference.groups, reference.pairs.scores)}
    parts = mean_parts(now.groups, now.pairs.scores)
    return worst([_shift(part, before.get(part.group, _NOBODY)) for part in parts])


MEASURE = Measure(
    name="score_drift_by_group",
    title="Score drift by group",
    needs=frozenset({"reference", "score"}),
    about="By how much the shift of the mean score since the reference differs between groups.",
    interval="the normal law",
    source="this project: a difference of shifts of means",
    undefined=frozenset({Undefined.NO_REFERENCE, Undefined.NO_SCORES}),
    compute=score_drift_by_group,
    least=-2.0,
)
