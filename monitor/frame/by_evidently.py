"""Columns under a rule on one of Evidently's tests: judged in a child process, each by its rule alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from monitor.comparison import DriftSettings
from monitor.drift.by_evidently import PREFIX, TESTS, EvidentlyTest, distance_of, is_evidentlys, threshold_of
from monitor.errors import PermanentError
from monitor.frame.pairing import Pair
from monitor.kinds import without_nan
from monitor.profile import texts
from monitor.record import Kind
from monitor.verdict import Verdict, Why
from monitor.workers import Failure, Limits, Task, WorkerFailed, Workers, pack, unpack

Json = dict[str, Any]
LIMITS = Limits(seconds=300.0, memory_bytes=4 * 2**30, niceness=0)
"""Loading Evidently takes some seconds of it. Whoever compares two files waits for it: it stands back for nobody."""
LEAST_ROWS = 5
"""With fewer values on a side there is no verdict."""
_PASSED_ON = {
    Failure.TIME_LIMIT: "time_limit",
    Failure.MEMORY_LIMIT: "memory_limit",
    Failure.DIED: Why.METHOD_FAILED.value,
}
_VALUES = {Kind.NUMERIC: "numbers", Kind.TEXT: "texts"}
_LEVELS = "levels"


@dataclass(frozen=True, slots=True)
class EvidentlyRule:
    """A test and the bound that is drift, as the config gives it."""

    test: EvidentlyTest
    bound: float

    @property
    def level(self) -> float:
        """Return the bound as Evidently takes it: of a text's percentile the share that guess worse."""
        return 1 - self.bound if self.test.by_level and not self.test.yields_p_value else self.bound


@dataclass(frozen=True, slots=True)
class _Question:
    """A rule, and the values of both sides."""

    rule: EvidentlyRule
    kind: Kind
    reference: pa.Array = field(repr=False)
    current: pa.Array = field(repr=False)

    @property
    def answerable(self) -> bool:
        return min(len(self.reference), len(self.current)) >= LEAST_ROWS


def rule_of(drift: DriftSettings, pair: Pair) -> EvidentlyRule | None:
    """Return the rule of a column, if it is on one of Evidently's tests.

    Raises
    ------
    PermanentError: the test is not for such columns.
    """
    column = pair.column
    own = drift.own(column)
    if own.method is None or not is_evidentlys(own.method):
        return None
    test = TESTS[own.method]
    bound = own.p_value if test.by_level else own.threshold
    if column.kind not in test.kinds:
        known = ", ".join(name for name, each in TESTS.items() if column.kind in each.kinds) or "none"
        message = f'{test.name} is not for {column.kind} columns such as "{column.name}"'
        raise PermanentError(message, f"Evidently's for such: {known}")
    if bound is None:
        raise PermanentError(f'{test.name} of "{column.name}" has no rule', f"give it a {test.rule}")
    return EvidentlyRule(test, bound)


def judged_by_evidently(
    pairs: Sequence[Pair], rules: Mapping[str, EvidentlyRule], limits: Limits = LIMITS
) -> dict[str, Json]:
    """Return verdict, reason and figures of each column that has a rule; one child process for all.

    Raises
    ------
    WorkerFailed: Evidently is not installed, or has no such test.
    """
    questions = {
        name: _Question(rules[name], kind, _values(kind, pair.reference), _values(kind, pair.current))
        for pair in pairs
        if (name := pair.column.name) in rules and (kind := pair.column.kind)
    }
    asked = {name: question for name, question in questions.items() if question.answerable}
    answers = dict(zip(asked, _answers(list(asked.values()), limits), strict=True))
    return {name: _body(question.rule, answers.get(name)) for name, question in questions.items()}


def _values(kind: Kind, array: pa.Array) -> pa.Array:
    """Return the values of a side: finite numbers as floats, texts as they are, categories as text."""
    array = without_nan(array).drop_null()
    if kind is Kind.NUMERIC:
        numbers = array.cast(pa.float64())
        return numbers.filter(pc.is_finite(numbers))
    return array if kind is Kind.TEXT else pa.array(texts(array), pa.string())


def _answers(questions: Sequence[_Question], limits: Limits) -> list[Json]:
    if not questions:
        return []
    asked = [
        {
            "test": each.rule.test.name.removeprefix(PREFIX),
            "values": _VALUES.get(each.kind, _LEVELS),
            "level": each.rule.level,
        }
        for each in questions
    ]
    tables = [pa.table({"values": side}) for each in questions for side in (each.reference, each.current)]
    task = Task("monitor.workers.evidently_tests:judge", pack(asked, tables), "a test of Evidently", limits)
    try:
        with Workers() as workers:
            answers: list[Json] = unpack(workers.call("compare", task))[0]
    except WorkerFailed as failed:
        if failed.reason not in _PASSED_ON:
            raise
        return [{"failed": _PASSED_ON[failed.reason]} for _ in questions]
    return answers


def _body(rule: EvidentlyRule, answer: Json | None) -> Json:
    body: Json = {"method": rule.test.name, "distance": None, "p_value": None, "threshold": None}
    if answer is None:
        return body | {"verdict": Verdict.INSUFFICIENT_DATA.value, "why": Why.TOO_FEW_ROWS.value}
    if "failed" in answer:
        return body | {"verdict": Verdict.FAILED.value, "why": answer["failed"]}
    return body | {
        "verdict": (Verdict.DRIFTED if answer["drifted"] else Verdict.STABLE).value,
        "why": (Why.RULE_BROKEN if answer["drifted"] else Why.RULE_KEPT).value,
        "distance": distance_of(rule.test, answer["score"]),
        "p_value": answer["score"] if rule.test.yields_p_value else None,
        "threshold": threshold_of(rule.test, answer["bound"]),
    }
