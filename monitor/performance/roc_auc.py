"""ROC AUC: the chance that a positive row has a higher score than a negative one, ties counting half.

Of several classes the mean over each class against the rest. The interval is that of DeLong, DeLong and Clarke-Pearson
(1988, Biometrics 44:837) from ranks, as Sun and Xu (2014, IEEE Signal Processing Letters 21:1389), on the logit scale.
The variances of both sides are taken together with a fifth of a row's worth of those of Hanley and McNeil (1982,
Radiology 143:29), which assume exponential scores: three positive rows alone know next to nothing of their own spread.

>>> import numpy as np
>>> auc_parts(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))[0]
0.75
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.performance.answers import Found, Scored, of_scores, value_of
from monitor.performance.interval import LOGIT, Floats, delta_bounds, unseen
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.ranks import per_class, ranked, sides

_PRIOR_ROWS = 0.2
"""By simulation: with 4 positive rows of 200 intervals hold in 97 %; of two whole rows they would in 99 %."""
_HELD_BACK = 0.25
"""So many rows on either side keep the AUC off 0 and 1, where its variance would be taken for nothing."""


def auc_parts(scores: Floats, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the ROC AUC and the influence of each row, (n,); there are rows of both sides."""
    found = ranked(scores, positive)
    negatives = found.rows - found.positives
    many, few = float(found.positives.sum()), float(negatives.sum())
    below = 1 - (np.cumsum(negatives) - negatives / 2) / few
    above = (np.cumsum(found.positives) - found.positives / 2) / many
    auc = float(found.positives @ below) / many
    rows = many + few
    influences = np.where(positive, (below[found.group] - auc) * rows / many, (above[found.group] - auc) * rows / few)
    return min(max(auc, 0.0), 1.0), influences


def _unknown_variance(auc: float, influences: Floats, positive: NDArray[np.bool_]) -> float:
    """Return by how much the influences' variance of the AUC falls short of one that knows rows to be few."""
    few = min(int(positive.sum()), int((~positive).sum()))
    held = (auc * few + _HELD_BACK) / (few + 2 * _HELD_BACK)
    laws = 2 * held**2 / (1 + held) - held**2, held / (2 - held) - held**2
    short = 0.0
    for side, law in zip((positive, ~positive), laws, strict=True):
        rows = int(side.sum())
        squares = float(np.square(np.sort(influences[side])).sum()) * (rows / len(positive)) ** 2
        short += (squares + _PRIOR_ROWS * law) / (rows - 1 + _PRIOR_ROWS) / rows - squares / rows**2
    return short


def roc_auc(rows: Scored) -> Found:
    """Return the ROC AUC of scores: of one class (n,), or of each (n, k) that is seen."""
    scores, positives = sides(rows)
    places = per_class(positives)
    if not places:
        return Undefined.ONE_CLASS
    parts = [auc_parts(scores[:, place], positives[:, place]) for place in places]
    auc = float(np.mean([part[0] for part in parts]))
    influences = np.mean([part[1] for part in parts], axis=0)
    short = sum(_unknown_variance(*part, positives[:, place]) for place, part in zip(places, parts, strict=True))
    bounds = delta_bounds(auc, influences, LOGIT, more=short / len(places) ** 2)
    if auc in LOGIT.ends:
        least = min(min(int(positives[:, place].sum()), int((~positives[:, place]).sum())) for place in places)
        bounds = unseen(auc, least, LOGIT.ends)
    return value_of(auc, bounds, len(scores))


METRIC = Metric(
    name="roc_auc",
    title="ROC AUC",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"score"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about=(
        "The chance that a positive row has a higher score than a negative one; of several classes the mean "
        "over each against the rest."
    ),
    interval="DeLong, on the logit",
    source="Hanley and McNeil 1982, Radiology 143:29",
    undefined=frozenset({Undefined.NO_SCORES, Undefined.ONE_CLASS}),
    compute=of_scores(roc_auc),
)
