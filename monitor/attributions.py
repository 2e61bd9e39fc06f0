"""Attributions of a window as users see them: how alike the features rank, and whose part moved most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monitor.judge import Judge
from monitor.performance.attribution import ndcg_of_ranking, ranks
from monitor.profile import Profile
from monitor.quality.sizes import Sizes
from monitor.record import Role
from monitor.reference import Reference

Json = dict[str, Any]
_MOST = 10
"""Columns whose part is told."""


def attributions_body(reference: Reference, sizes: Sizes | None, profile: Profile) -> Json | None:
    """Return how a window's features rank by what they decide; ``None`` where no attributions are logged.

    ``ndcg`` is ``None`` where a column has no value, or nothing decides. A column's part is of all |attribution|.
    """
    if sizes is None:
        return None
    before, now = (sizes.of_cells([each.counts[span] for span in sizes.spans]) for each in (reference.profile, profile))
    if np.isnan(now).any() or not before.any() or not now.any():
        return {"ndcg": None, "moved": []}
    parts = before / before.sum(), now / now.sum()
    figures = zip(*(each.tolist() for each in (*parts, ranks(before), ranks(now))), strict=True)
    keys = ("before", "now", "rank_before", "rank_now")
    named = [reference.names[place] for place in sizes.places]
    moved = [
        {"column": name} | dict(zip(keys, figure, strict=True)) for name, figure in zip(named, figures, strict=True)
    ]
    moved.sort(key=lambda each: (-abs(each["now"] - each["before"]), each["column"]))
    return {"ndcg": ndcg_of_ranking(before, now), "moved": moved[:_MOST]}


def decided_by(reference: Reference, sizes: Sizes | None) -> dict[str, float]:
    """Return the part of all attribution that each feature has in a reference.

    An attribution is of the feature whose name is its own after a dot or an underscore: ``shap.temp`` of ``temp``.
    """
    if sizes is None:
        return {}
    weights = sizes.of_cells([reference.profile.counts[span] for span in sizes.spans])
    total = float(np.nansum(weights))
    features = {column.name for column in reference.all_columns if column.role is Role.FEATURE}
    found = {}
    for place, weight in zip(sizes.places, weights.tolist(), strict=True):
        name = reference.names[place]
        ends = [name[at + 1 :] for at, char in enumerate(name) if char in "._"]
        feature = next((end for end in ends if end in features), None)
        if feature is not None and total > 0:
            found[feature] = weight / total
    return found


def in_order(judge: Judge, culprits: Sequence[str], window: Json) -> list[str]:
    """Return the columns of an alert, those first that carry most of the evidence and decide most.

    Where the config says how important columns are, or none of them has an attribution, they stay as they are: the
    evidence is weighed by it already.
    """
    parts = decided_by(judge.reference, judge.sizes)
    if not parts or any(entry.importance is not None for entry in judge.watched):
        return list(culprits)
    shares = {column["name"]: column["share_of_drift"] or 0.0 for column in window["columns"]}
    return sorted(culprits, key=lambda name: -shares.get(name, 0.0) * parts.get(name, 0.0))
