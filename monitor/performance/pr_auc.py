"""PR AUC as average precision: the mean over positive rows of the precision among rows scored at least as high.

Of several classes the mean over each class against the rest. With A(s) and B(s) the shares of rows that are positive
and score at least s, and of all that do, it is T = E[y A/B] / E[y]; the influence of a row with target y and score s is

    (y (A(s)/B(s) + C1(s) - T) - C2(s)) / E[y],   C1(s) = E[y' / B(s'); s' <= s],  C2(s) = E[y' A(s') / B(s')²; s' <= s]

by differentiating T at the empirical distribution. The part of the variance that is of positive rows has one degree
of freedom less than there are of them: few of them alone decide, however many rows there are.

Logit intervals: Boyd, Eng and Page (2013), ECML PKDD, 451.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.performance.answers import Found, Scored, of_scores, value_of
from monitor.performance.interval import LOGIT, Floats, delta_bounds, unseen
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.ranks import per_class, ranked, sides


def average_precision_parts(scores: Floats, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the average precision and the influence of each row, (n,); there is a positive row."""
    found = ranked(scores, positive)
    rows, positives = float(found.rows.sum()), float(found.positives.sum())
    scored = np.cumsum(found.rows) / rows
    precision = np.cumsum(found.positives) / rows / scored
    value = float(found.positives @ precision) / positives
    each = found.positives / rows / scored
    lower, worse = (np.cumsum(part[::-1])[::-1] for part in (each, each * precision))
    of_group = found.group
    pulled = np.where(positive, (precision + lower)[of_group] - value, 0.0) - worse[of_group]
    return min(value, 1.0), pulled * rows / positives


def _lost_degree(influences: Floats, positive: NDArray[np.bool_]) -> float:
    """Return by how much the variance of the positive rows' part is too small for as many as there are of them."""
    many = int(positive.sum())
    squares = float(np.square(np.sort(influences[positive])).sum()) / len(positive) ** 2
    return squares / max(many - 1, 1)


def pr_auc(rows: Scored) -> Found:
    """Return the average precision of scores: of one class (n,), or of each (n, k) that is seen."""
    scores, positives = sides(rows)
    places = per_class(positives)
    if not places:
        return Undefined.ONE_CLASS
    parts = [average_precision_parts(scores[:, place], positives[:, place]) for place in places]
    value = float(np.mean([part[0] for part in parts]))
    lost = sum(_lost_degree(part[1], positives[:, place]) for place, part in zip(places, parts, strict=True))
    bounds = delta_bounds(value, np.mean([part[1] for part in parts], axis=0), LOGIT, more=lost / len(places) ** 2)
    if value in LOGIT.ends:
        bounds = unseen(value, float(positives[:, places].sum(axis=0).min()), LOGIT.ends)
    return value_of(value, bounds, len(scores))


METRIC = Metric(
    name="pr_auc",
    title="PR AUC",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"score"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about=(
        "Average precision: the mean, over the positive rows, of the precision among rows scored at least as "
        "high; of several classes the mean over each against the rest."
    ),
    interval="the delta method on the logit",
    source="Boyd, Eng and Page 2013, ECML PKDD, 451",
    undefined=frozenset({Undefined.NO_SCORES, Undefined.ONE_CLASS}),
    compute=of_scores(pr_auc),
)
