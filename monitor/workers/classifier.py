"""A classifier that tells the reference from what is compared with it, as a child fits it: values in, its skill out.

Trees are boosted on four fifths of both sides and asked about the last fifth, which they have not seen, five times
over. What they tell better than by guessing is drift, of one column or of several together. A fold's skill is
2 AUC - 1: 0 for guesses, 1 where the sides share nothing. The answer is that of the middle fold of the five.

Source: Lopez-Paz, Oquab (2017), Revisiting classifier two-sample tests, ICLR, arXiv:1610.06545.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.workers.packing import pack, unpack

FOLDS = 5
MIDDLE = FOLDS // 2
_SEED = 7
_LEVELS = 250
"""So many levels of a category, the most frequent, are told apart; the trees take 255."""
_TOP = 5
_TREES: dict[str, Any] = {"max_iter": 30, "max_leaf_nodes": 15, "early_stopping": False, "random_state": 0}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


def tell_apart(content: bytes) -> bytes:
    """Fit the classifier, and as often again as there are blocks of the reference.

    Parameters
    ----------
    content: packed: ``{"blocks": number}``, and two tables with the same columns, numbers and texts; the reference's
        rows in their order of time.

    Returns
    -------
    Packed: ``{"skill": …, "blocks": […], "carried_by": [{"column": …, "skill_lost": …}]}``: the middle fold's skill;
    that of one fold at telling each of so many stretches of the reference from the rest of it; and the columns
    without whose values the middle fold would lose most of its skill, at most five.
    """
    asked, (reference, current) = unpack(content)
    values, categorical = encoded(reference, current)
    old, new = reference.num_rows, current.num_rows
    told = sorted((_Fold(values, _sides(old, new), categorical, number) for number in range(FOLDS)), key=_Fold.order)
    stretches = np.array_split(np.arange(old), asked["blocks"]) if asked["blocks"] else []
    blocks = [_Fold(values[:old], _marked(old, rows[:new]), categorical, 0).skill for rows in stretches]
    middle = told[MIDDLE]
    return pack({"skill": middle.skill, "blocks": blocks, "carried_by": middle.carried_by(reference.column_names)})


def tell_each(content: bytes) -> bytes:
    """Tell the reference from each of several steps of time.

    Parameters
    ----------
    content: packed: ``{"steps": [rows of each step]}``, and two tables with the same columns, numbers and texts: the
        reference's rows, and those of all steps, one step after the other.

    Returns
    -------
    Packed: ``{"skills": […], "carried_by": […]}``: the mean skill of the five folds at each step, and the columns that
    carry that of the last one, as in :func:`tell_apart`.
    """
    asked, (reference, steps) = unpack(content)
    skills: list[float] = []
    carried: list[dict[str, Any]] = []
    begun = 0
    for rows in asked["steps"]:
        values, categorical = encoded(reference, steps.slice(begun, rows))
        begun += rows
        new = _sides(reference.num_rows, rows)  # unweighted: AUC knows no weights, and weights cost 20 times the fit
        told = [_Fold(values, new, categorical, number, None) for number in range(FOLDS)]
        skills.append(sum(fold.skill for fold in told) / FOLDS)
        if begun == steps.num_rows:
            carried = sorted(told, key=_Fold.order)[MIDDLE].carried_by(reference.column_names)
    return pack({"skills": skills, "carried_by": carried})


def encoded(reference: pa.Table, current: pa.Table) -> tuple[Floats, list[bool]]:
    """Return both sides' values, one under the other, float64 (n + m, d), and which columns are categories.

    A category is the rank of its frequency in both sides; those beyond 250 are one. NaN is missing.
    """
    columns, categorical = [], []
    for name in reference.column_names:
        both = pa.concat_arrays([*reference[name].chunks, *current[name].chunks])
        categorical.append(not pa.types.is_floating(both.type))
        if not categorical[-1]:
            found = both.to_numpy(zero_copy_only=False).astype(np.float64)
            columns.append(np.where(np.isfinite(found), found, np.nan))
            continue
        coded = both.dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.float64)
        counts = np.bincount(codes[~np.isnan(codes)].astype(np.int64), minlength=len(coded.dictionary))
        order = sorted(range(len(counts)), key=lambda level: (-counts[level], coded.dictionary[level].as_py()))
        ranks = np.empty(len(counts) + 1)
        ranks[order] = np.minimum(np.arange(len(counts)), _LEVELS)
        ranks[-1] = np.nan
        columns.append(ranks[np.where(np.isnan(codes), len(counts), codes).astype(np.int64)])
    return np.stack(columns, axis=1), categorical


def folds_of(new: Bools) -> Integers:
    """Return the fold of each row, each side dealt out evenly, in an order that its seed alone decides."""
    rng = np.random.default_rng(_SEED)
    folds = np.empty(len(new), np.int64)
    for side in (False, True):
        places = np.flatnonzero(new == side)
        folds[rng.permutation(places)] = np.arange(len(places)) % FOLDS
    return folds


class _Fold:
    """Trees that were fitted on all rows but those of one fold, and their skill at these."""

    def __init__(
        self, values: Floats, new: Bools, categorical: list[bool], number: int, weight: str | None = "balanced"
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        asked = folds_of(new) == number
        trees = HistGradientBoostingClassifier(categorical_features=categorical, class_weight=weight, **_TREES)
        self._trees = trees.fit(values[~asked], new[~asked])
        self._values, self._new, self._number = values[asked], new[asked], number
        self.skill = self._skill(self._values)

    def order(self) -> tuple[float, int]:
        """Return what folds are sorted by: the skill, then the number."""
        return self.skill, self._number

    def carried_by(self, names: list[str]) -> list[dict[str, Any]]:
        """Return the columns whose shuffling costs most of the skill, and how much (Breiman 2001)."""
        order = np.random.default_rng(_SEED).permutation(len(self._values))
        lost = {}
        for place, name in enumerate(names):
            shuffled = self._values.copy()
            shuffled[:, place] = shuffled[order, place]
            lost[name] = self.skill - self._skill(shuffled)
        carrying = sorted((-loss, name) for name, loss in lost.items() if loss > 0)
        return [{"column": name, "skill_lost": -loss} for loss, name in carrying[:_TOP]]

    def _skill(self, values: Floats) -> float:
        from sklearn.metrics import roc_auc_score

        return 2 * float(roc_auc_score(self._new, self._trees.predict_proba(values)[:, 1])) - 1


def _sides(old: int, new: int) -> Bools:
    return np.repeat([False, True], [old, new])


def _marked(rows: int, chosen: Integers) -> Bools:
    marked = np.zeros(rows, np.bool_)
    marked[chosen] = True
    return marked
