"""From columns of a log to pairs: what a model's answers are, and what its targets say of them.

A class is known by its text: ``1``, ``1.0`` and ``true`` are one class, whether a log writes it as number, boolean or
text, and whether the target writes it otherwise than the prediction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.errors import PermanentError
from monitor.performance.pairs import (
    UNKNOWN,
    ClassPairs,
    Floats,
    LabelPairs,
    Lists,
    NumberPairs,
    Pairs,
    Places,
    RankPairs,
)
from monitor.record import Column, Role
from monitor.record_layout import LOWER, UPPER

_BOOLEANS = {"true": "1", "false": "0", "True": "1", "False": "0"}
_THRESHOLD = 0.5
CLASS_TASKS = frozenset({"binary", "multiclass"})
LIST_TASKS = frozenset({"ranking", "multilabel"})


@dataclass(frozen=True, slots=True)
class Answers:
    """Where a model's answers stand in canonical rows, and which classes there are.

    Attributes
    ----------
    prediction, score: keys, ``None`` where the model logs none.
    scores: of a multiclass model the key of each class's probability, in the order of ``classes``.
    ends: of a regression the keys of the interval's lower and upper end; empty where the model logs none.
    """

    task: str
    classes: tuple[str, ...]
    prediction: str | None
    score: str | None
    scores: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    places: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {name: place for place, name in enumerate(self.classes)})

    @property
    def has_score(self) -> bool:
        """Say whether probabilities are logged."""
        return self.score is not None or bool(self.scores)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the columns of canonical rows that hold answers."""
        return tuple(key for key in (self.prediction, self.score, *self.scores, *self.ends) if key is not None)


class AnswerUnfit(PermanentError):
    """A reference's column holds no numbers, where its task asks for some; ``role`` is prediction or score."""

    def __init__(self, column: Column, task: str) -> None:
        message = f'the {column.role} of a {task} model is a number, and "{column.name}" of the reference is none'
        super().__init__(message, "name another column, or the task that the model answers")
        self.role = str(column.role)


def require_numbers(answers: Answers, columns: Sequence[Column], rows: pa.Table) -> None:
    """Raise :class:`AnswerUnfit` where canonical rows of a reference hold no numbers that the task asks for."""
    numbers = {
        answers.score,
        *answers.scores,
        *answers.ends,
        answers.prediction if answers.task == "regression" else None,
    }
    for column in columns:
        try:
            floats_of(rows, column.key if column.key in numbers else None)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise AnswerUnfit(column, answers.task) from None


def class_text(value: Any) -> str | None:
    """Return what a class is known by; ``None`` for a missing one.

    >>> class_text(1.0), class_text(True), class_text("true"), class_text("yes"), class_text(0.5), class_text(None)
    ('1', '1', '1', 'yes', '0.5', None)
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return _BOOLEANS.get(text, text)


def answers_of(task: str, columns: Sequence[Column], known: Sequence[pa.ChunkedArray]) -> Answers | None:
    """Return what a model answers; ``None`` where performance has no meaning: no task, or no answer that can be read.

    Parameters
    ----------
    columns: of the reference's layout.
    known: the reference's predictions and targets: their values are the classes.
    """
    ends = tuple(column.key for name in (LOWER, UPPER) for column in columns if column.name == name)
    by_role = {
        column.role: column.key for column in columns if column.role is not Role.FEATURE and column.key not in ends
    }
    prediction, score = by_role.get(Role.PREDICTION), by_role.get(Role.SCORE)
    if task == "regression":
        answer = prediction or score
        return None if answer is None else Answers(task, (), answer, None, (), ends)
    if task in LIST_TASKS:
        return (
            None
            if prediction is None
            else Answers(task, _labels(known) if task == "multilabel" else (), prediction, None)
        )
    if task not in CLASS_TASKS or (prediction is None and score is None):
        return None
    found = {class_text(value) for array in known for value in array.unique().to_pylist()} - {None}
    named = {column.name.removeprefix("score."): column.key for column in columns if column.role is Role.SCORE}
    if task == "multiclass":
        each = {class_text(name) or name: key for name, key in named.items() if name != "score"}
        classes = tuple(sorted({str(name) for name in found} | set(each)))
        scores = tuple(each[name] for name in classes) if each and set(each) >= set(classes) else ()
        return Answers(task, classes, prediction, None, scores) if prediction or scores else None
    both = _two(sorted(str(name) for name in found))
    return None if both is None else Answers(task, both, prediction, score)


def _labels(known: Sequence[pa.ChunkedArray]) -> tuple[str, ...]:
    lists = [value for array in known for value in array.to_pylist() if isinstance(value, list)]
    return tuple(sorted({str(item) for value in lists for item in value}))


def _two(found: list[str]) -> tuple[str, str] | None:
    """Return the negative and the positive class: the later in order is positive, as in scikit-learn."""
    match found:
        case [one] if one in ("0", "1"):
            return "0", "1"
        case [first, second]:
            return first, second
    return None


def targets_of(array: pa.ChunkedArray) -> list[str | None]:
    """Return the targets of a reference as JSON, as those of a log are kept."""
    if pa.types.is_nested(array.type):
        return [None if value is None else json.dumps(value) for value in array.to_pylist()]
    coded = array.combine_chunks().dictionary_encode()
    texts = [json.dumps(value) for value in coded.dictionary.to_pylist()]
    return [None if code is None else texts[code] for code in coded.indices.to_pylist()]


def pairs_of(answers: Answers, rows: pa.Table, targets: Sequence[str | None]) -> tuple[Pairs, Places]:
    """Return rows with their targets as pairs, and the places of the rows that have a target that can be read.

    Parameters
    ----------
    rows: canonical rows, n.
    targets: of each row its target as JSON, ``None`` where it is not known.
    """
    texts = {text: code for code, text in enumerate(dict.fromkeys(text for text in targets if text is not None))}
    values = [json.loads(text) for text in texts]
    codes = np.array([len(texts) if text is None else texts[text] for text in targets], dtype=np.intp)
    if answers.task == "regression":
        numbers = np.array([*(_number(value) for value in values), math.nan])[codes]
        kept = np.flatnonzero(np.isfinite(numbers))
        predictions = floats_of(rows, answers.prediction)
        return NumberPairs(
            numbers[kept], predictions[kept], *(floats_of(rows, end)[kept] for end in answers.ends)
        ), kept
    if answers.task in LIST_TASKS:
        return _list_pairs(answers, rows, [*values, None], codes)
    places = np.array([*(_place(answers, value) for value in values), UNKNOWN], dtype=np.intp)[codes]
    kept = np.flatnonzero(places != UNKNOWN)
    taught = rows if len(kept) == rows.num_rows else rows.take(pa.array(kept))
    return ClassPairs(answers.classes, places[kept], *class_answers(answers, taught)), kept


def _list_pairs(answers: Answers, rows: pa.Table, values: list[Any], codes: Places) -> tuple[Pairs, Places]:
    lists = [_names(value) for value in values]
    known = np.array([each is not None for each in lists], np.bool_)[codes]
    column = rows[answers.prediction].to_pylist() if answers.prediction in rows.column_names else [None] * len(codes)
    shown = [_names(value) for value in column]
    kept = np.flatnonzero(known & np.array([each is not None for each in shown], np.bool_))
    targets = [lists[code] or [] for code in codes[kept]]
    predictions = [shown[place] or [] for place in kept]
    if answers.task == "multilabel":
        return LabelPairs(answers.classes, _flags(answers, targets), _flags(answers, predictions)), kept
    numbers: dict[str, int] = {}
    return RankPairs(_numbered(predictions, numbers), _numbered(targets, numbers)), kept


def _names(value: Any) -> list[str] | None:
    """Return a list of names; one name alone is a list of one."""
    if value is None:
        return None
    return [str(item) for item in value] if isinstance(value, list) else [class_text(value) or ""]


def _flags(answers: Answers, lists: Sequence[list[str]]) -> NDArray[np.bool_]:
    flags = np.zeros((len(lists), len(answers.classes)), dtype=np.bool_)
    for row, names in enumerate(lists):
        flags[row, [answers.places[name] for name in names if name in answers.places]] = True
    return flags


def _numbered(lists: Sequence[list[str]], numbers: dict[str, int]) -> Lists:
    items = [numbers.setdefault(name, len(numbers)) for names in lists for name in names]
    ends = np.cumsum([len(names) for names in lists], dtype=np.intp)
    return Lists(np.array(items, dtype=np.intp), ends)


def class_answers(answers: Answers, rows: pa.Table) -> tuple[Places | None, Floats | None]:
    """Return the predictions of rows as places of classes, (n,), and their scores, (n,) or (n, k)."""
    scores = None
    if answers.scores:
        scores = np.column_stack([floats_of(rows, key) for key in answers.scores])
    elif answers.score is not None:
        scores = floats_of(rows, answers.score)
    predictions = _predictions(answers, rows) if answers.prediction is not None else _decided(scores)
    return predictions, scores


def _predictions(answers: Answers, rows: pa.Table) -> Places:
    coded = rows[answers.prediction].combine_chunks()
    if not pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_encode()
    known = [_place(answers, value) for value in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False).astype(np.intp)
    places: Places = np.array([*known, UNKNOWN], dtype=np.intp)[codes]
    return places


def _decided(scores: Floats | None) -> Places | None:
    """Return what the scores alone decide: at a half, or for the most probable class."""
    if scores is None:
        return None
    if scores.ndim == 1:
        return np.asarray(np.where(np.isnan(scores), UNKNOWN, scores >= _THRESHOLD), dtype=np.intp)
    unknown = np.isnan(scores).any(axis=1)
    best = np.nan_to_num(scores, nan=-1.0).argmax(axis=1)
    return np.asarray(np.where(unknown, UNKNOWN, best), dtype=np.intp)


def _place(answers: Answers, value: Any) -> int:
    text = class_text(value)
    return UNKNOWN if text is None else answers.places.get(text, UNKNOWN)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def floats_of(rows: pa.Table, key: str | None) -> Floats:
    """Return a column as numbers, (n,), NaN where there is none."""
    if key is None or key not in rows.column_names:
        return np.full(rows.num_rows, math.nan)
    return np.asarray(pc.cast(rows[key], pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
