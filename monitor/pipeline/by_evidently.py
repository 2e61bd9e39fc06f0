"""Columns under a rule on one of Evidently's tests: judged at the close of a window, by the child that stays.

The close waits for the answer, so that what is said does not depend on how fast the child was, unless there is none in
time: then the column has failed, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from monitor.apart.sample import Sample
from monitor.by_values import Question, Values, answer_body, question, row_values
from monitor.instant import Instant
from monitor.verdict import Why
from monitor.workers import Failure, Limits, Task, WorkerFailed, pack, unpack

Json = dict[str, Any]
Ask = Callable[[Task], bytes]
"""Has the child that stays do a task, and waits for its answer."""
LIMITS = Limits(seconds=150.0, memory_bytes=2**30, niceness=10)
"""Of one column; loading Evidently, once, takes some 4 s of it."""
WINDOW_SECONDS = 300.0
"""For all such columns of a window; those that are left then have no answer."""
_SEED = 17
_FUNCTION = "monitor.workers.evidently_tests:judge"
_WHYS = {
    Failure.NOT_INSTALLED: Why.NOT_INSTALLED,
    Failure.TIME_LIMIT: Why.TIME_LIMIT,
    Failure.MEMORY_LIMIT: Why.MEMORY_LIMIT,
}


@dataclass(slots=True)
class Tested:
    """What is held of a version for tests on values."""

    values: Values
    sample: Sample
    kept: bytes = field(default=b"", repr=False)
    """What the store holds of it, without the rows."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The window that closes.

    Attributes
    ----------
    start: from when on its rows were counted. ``rows``: how many there are in each step that has some, by its start.
    least: with fewer rows in all it is not judged.
    """

    start: Instant
    end: Instant
    rows: Mapping[Instant, int]
    least: int


def new_tested(values: Values | None) -> Tested | None:
    """Return what is held before the first row; ``None`` where no column is tested so."""
    return None if values is None else Tested(values, _sample(values))


def follow_on(before: Tested | None, values: Values | None, at: Instant) -> Tested | None:
    """Return what is held where another reference, or another life of a version, begins: rows from then on, no more.

    The store's rows of before go with its next close.
    """
    tested = new_tested(values)
    if before is not None and tested is not None:
        tested.sample = before.sample.since(at, tested.sample)
    return tested


def _sample(values: Values) -> Sample:
    return Sample(values.every, values.rows, values.columns, values=row_values)


def judge_by_values(tested: Tested, stretch: Stretch, ask: Ask) -> dict[str, Json]:
    """Return verdict, reason and figures of each column that is tested so, by its name.

    Raises
    ------
    WorkerFailed: the process is stopping; nothing was changed that a store keeps.
    """
    values, rows = tested.values, _rows(tested, stretch)
    if rows is None:
        return {name: answer_body(rule, None) for name, rule in values.rules.items()}
    questions = {each.name: question(values, each, rows[each.key]) for each in values.columns}
    answers = _answers({name: each for name, each in questions.items() if each.answerable}, ask)
    return {
        name: answer_body(each.rule, answers.get(name)) | {"tested_rows": each.rows} for name, each in questions.items()
    }


def let_go(tested: Tested, before: Instant) -> None:
    """Hold no more rows of before the first instant that an open window covers."""
    tested.sample.let_go(before)


def _rows(tested: Tested, stretch: Stretch) -> pa.Table | None:
    """Return the window's rows in an order of hashes; ``None`` if it has too few, or not all were held that should."""
    values = tested.values
    steps = tested.sample.between(stretch.start, stretch.end)
    due = sum(min(rows, values.rows) for rows in stretch.rows.values())
    if sum(stretch.rows.values()) < stretch.least or sum(rows.num_rows for _, rows in steps) < due:
        return None
    found = pa.concat_tables([rows for _, rows in steps]) if steps else None
    if found is None or len(steps) == 1:
        return found  # by the hashes of its rows
    return found.take(pa.array(np.random.default_rng(_SEED).permutation(found.num_rows)))


def _answers(questions: Mapping[str, Question], ask: Ask) -> dict[str, Json]:
    """Ask of one column after the other, so that one which takes too long, or too much, fails alone."""
    ends = time.monotonic() + WINDOW_SECONDS
    return {name: _answer(each, min(LIMITS.seconds, ends - time.monotonic()), ask) for name, each in questions.items()}


def _answer(question: Question, seconds: float, ask: Ask) -> Json:
    if seconds <= 0:
        return {"failed": Why.TIME_LIMIT.value}
    content = pack([question.asked], question.tables)
    try:
        (answer,) = unpack(ask(Task(_FUNCTION, content, "a test of Evidently", replace(LIMITS, seconds=seconds))))[0]
    except WorkerFailed as failed:
        if failed.reason is Failure.STOPPED:
            raise
        return {"failed": _WHYS.get(failed.reason, Why.METHOD_FAILED).value}
    return dict(answer)
