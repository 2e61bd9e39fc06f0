"""What two versions are compared by, a value a record: its loss, the loss that is expected of it, its prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from monitor.calibration.difference import Side
from monitor.performance.estimate.row_losses import expected_losses
from monitor.performance.losses import losses
from monitor.performance.pairs import Floats
from monitor.performance.reading import CLASS_TASKS, Answers, class_answers, floats_of, pairs_of
from monitor.pipeline.estimating import contributed

MOST_CLASSES = 20
"""Predictions of more classes are not compared one by one: each would have too little of alpha."""
_SHADOW = 0.5
"""From this share of the smaller side on, records scored by both are compared alone."""


@dataclass(frozen=True, slots=True)
class Values:
    """A value of each record, in the order of the log, with the record's id; n records."""

    ids: tuple[str | None, ...] = ()
    each: Floats = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def side(self) -> Side:
        """Return their sum and number."""
        return Side(float(self.each.sum()), len(self))


def _values(rows: pa.Table, each: Floats, places: Sequence[int] | None = None) -> Values:
    """Return the values that are known; ``places``: of which rows they are."""
    ids = rows["id"].to_pylist()
    at = np.arange(rows.num_rows) if places is None else np.asarray(places)
    known = ~np.isnan(each)
    return Values(tuple(ids[place] for place in at[known].tolist()), each[known])


def paired(new: Values, old: Values) -> tuple[Values, Values, bool]:
    """Return the values of records that both sides have, if these are most of the smaller side; else all.

    >>> a, b = Values(("x", "y"), np.array([1.0, 2.0])), Values(("y", "z"), np.array([5.0, 6.0]))
    >>> [values.ids for values in paired(a, b)[:2]]
    [('y',), ('y',)]
    """
    mine, theirs = ({id_: place for place, id_ in enumerate(side.ids) if id_ is not None} for side in (new, old))
    both = [id_ for id_ in mine if id_ in theirs]
    if not both or len(both) < _SHADOW * min(len(new), len(old)):
        return new, old, False
    kept = tuple(both)
    return (
        Values(kept, new.each[[mine[id_] for id_ in kept]]),
        Values(kept, old.each[[theirs[id_] for id_ in kept]]),
        True,
    )


def realised_losses(answers: Answers, rows: pa.Table, targets: Sequence[str | None], scale: float) -> Values:
    """Return the losses of the rows whose target is known."""
    pairs, places = pairs_of(answers, rows, targets)
    return _values(rows, np.asarray(losses(pairs, scale), np.float64), places.tolist())


def told_losses(rows: pa.Table, scale: float) -> Values | None:
    """Return the losses that are expected of rows; ``None`` where nothing was kept to estimate them by."""
    found = expected_losses(contributed(rows), scale)
    return None if found is None else _values(rows, found)


def predicted(answers: Answers, rows: pa.Table) -> dict[str, Values]:
    """Return what was predicted, by class: the positive one's score, or whether it is the class; "" of a number."""
    if answers.task == "regression":
        return {"": _values(rows, floats_of(rows, answers.prediction))}
    if answers.task not in CLASS_TASKS or len(answers.classes) > MOST_CLASSES:
        return {}
    places, scores = class_answers(answers, rows)
    if scores is not None and scores.ndim == 1:
        return {answers.classes[1]: _values(rows, scores)}
    if places is None:
        return {}
    named = enumerate(answers.classes) if answers.task == "multiclass" else [(1, answers.classes[1])]
    return {name: _values(rows, np.where(places < 0, np.nan, places == place)) for place, name in named}
