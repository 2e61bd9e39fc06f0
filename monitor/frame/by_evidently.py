"""Columns under a rule on one of Evidently's tests: judged in a child process, each by its rule alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from monitor.by_values import Question, answer_body, row_values
from monitor.comparison import DriftSettings
from monitor.drift.by_evidently import TESTS, EvidentlyRule, rule_in
from monitor.errors import PermanentError
from monitor.frame.pairing import Pair
from monitor.record import Kind
from monitor.verdict import Why
from monitor.workers import Failure, Limits, Task, WorkerFailed, Workers, pack, unpack

Json = dict[str, Any]
LIMITS = Limits(seconds=300.0, memory_bytes=4 * 2**30, niceness=0)
"""Loading Evidently takes some seconds of it. Whoever compares two files waits for it: it stands back for nobody."""
_PASSED_ON = {
    Failure.TIME_LIMIT: Why.TIME_LIMIT.value,
    Failure.MEMORY_LIMIT: Why.MEMORY_LIMIT.value,
    Failure.DIED: Why.METHOD_FAILED.value,
}


def rule_of(drift: DriftSettings, pair: Pair) -> EvidentlyRule | None:
    """Return the rule of a column, if it is on one of Evidently's tests.

    Raises
    ------
    PermanentError: the test is not for such columns.
    """
    column = pair.column
    own = drift.own(column)
    if not own.by_evidently:
        return None
    test, rule = TESTS[own.method or ""], rule_in(own)
    if column.kind not in test.kinds:
        known = ", ".join(name for name, each in TESTS.items() if column.kind in each.kinds) or "none"
        message = f'{test.name} is not for {column.kind} columns such as "{column.name}"'
        raise PermanentError(message, f"Evidently's for such: {known}")
    if rule is None:
        raise PermanentError(f'{test.name} of "{column.name}" has no rule', f"give it a {test.rule}")
    return rule


def judged_by_evidently(
    pairs: Sequence[Pair], rules: Mapping[str, EvidentlyRule], limits: Limits = LIMITS
) -> dict[str, Json]:
    """Return verdict, reason and figures of each column that has a rule; one child process for all.

    Raises
    ------
    WorkerFailed: Evidently is not installed, or has no such test.
    """
    questions = {
        name: Question(rules[name], kind, _values(kind, pair.reference), _values(kind, pair.current))
        for pair in pairs
        if (name := pair.column.name) in rules and (kind := pair.column.kind)
    }
    asked = {name: question for name, question in questions.items() if question.answerable}
    answers = dict(zip(asked, _answers(list(asked.values()), limits), strict=True))
    return {name: answer_body(question.rule, answers.get(name)) for name, question in questions.items()}


def _values(kind: Kind, array: pa.Array) -> pa.Array:
    return row_values(kind, array).drop_null()


def _answers(questions: Sequence[Question], limits: Limits) -> list[Json]:
    if not questions:
        return []
    asked, tables = [each.asked for each in questions], [table for each in questions for table in each.tables]
    task = Task("monitor.workers.evidently_tests:judge", pack(asked, tables), "a test of Evidently", limits)
    try:
        with Workers() as workers:
            answers: list[Json] = unpack(workers.call("compare", task))[0]
    except WorkerFailed as failed:
        if failed.reason not in _PASSED_ON:
            raise
        return [{"failed": _PASSED_ON[failed.reason]} for _ in questions]
    return answers
