"""Columns under a rule on one of Evidently's tests: the values that it is given, and what is made of its answer.

Of a window the test is given the rows of the smallest hashes, and of the reference as many, drawn once by a fixed seed.
What runs the test stands elsewhere: it needs a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.apart.ground import drawn, logged
from monitor.comparison import DriftSettings
from monitor.drift.by_evidently import PREFIX, EvidentlyRule, distance_of, rule_in, threshold_of
from monitor.identity import digest_id
from monitor.instant import Instant, microseconds
from monitor.kinds import without_nan
from monitor.profile import texts
from monitor.record import Column, Kind
from monitor.record_layout import ColumnsSettings, feature_names
from monitor.reference import Reference
from monitor.verdict import Verdict, Why
from monitor.window import WindowSettings

Json = dict[str, Any]
LEAST_ROWS = 5
"""With fewer values on a side there is no verdict."""
_SEED = 13
_ALIKE = frozenset({"evidently:fisher_exact", "evidently:g_test"})
"""Evidently's own code of these takes two sides of equal length alone."""
_MOST_ROWS = {"evidently:empirical_mmd": 1_000}
"""Of a side, where a test's memory grows by rows squared: with so many it takes some 100 MB."""
_TAKEN = {Kind.NUMERIC: "numbers", Kind.TEXT: "texts"}
_LEVELS = "levels"


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What tests of Evidently's are given of a reference, and what they are to be given of windows.

    Attributes
    ----------
    id: of all that shapes it. ``every``: length of a window's step in microseconds.
    rows: drawn of each step of a window, at most.
    columns: that are tested; ``rules``: by their names.
    known: the reference's rows, a column each, in an order drawn by lot.
    """

    id: str
    every: Instant
    rows: int
    columns: tuple[Column, ...]
    rules: Mapping[str, EvidentlyRule]
    known: pa.Table = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A rule, and the values of both sides, without what is missing."""

    rule: EvidentlyRule
    kind: Kind
    reference: pa.Array = field(repr=False)
    current: pa.Array = field(repr=False)

    @property
    def answerable(self) -> bool:
        """Say whether both sides have values enough."""
        return min(len(self.reference), len(self.current)) >= LEAST_ROWS

    @property
    def asked(self) -> Json:
        """Return what a child is told of it, beside the values."""
        test = self.rule.test.name.removeprefix(PREFIX)
        return {"test": test, "values": _TAKEN.get(self.kind, _LEVELS), "level": self.rule.level}

    @property
    def tables(self) -> list[pa.Table]:
        """Return the values as a child takes them: the reference's, then those that are compared with it."""
        return [pa.table({"values": side}) for side in (self.reference, self.current)]

    @property
    def rows(self) -> Json:
        """Return on how many values of each side the answer is based."""
        return {"reference": len(self.reference), "current": len(self.current)}


def values_of_reference(
    reference: Reference,
    table: pa.Table,
    how: tuple[DriftSettings, ColumnsSettings, WindowSettings],
    rows: int,
) -> Values | None:
    """Return what tests are given of a reference; ``None`` where no column that they are for has a rule on one.

    Parameters
    ----------
    table: the reference's rows. ``rows``: drawn of each step of a window.
    """
    drift, settings, window = how
    found = {each: rule_in(drift.own(each)) for each in reference.layout.columns}
    rules = {each: rule for each, rule in found.items() if rule is not None and each.kind in rule.test.kinds}
    if not rules:
        return None
    every, steps = microseconds(window.every), window.length // window.every
    paths = feature_names(table.column_names, settings)
    places = drawn(np.arange(table.num_rows), rows * steps, _SEED)
    part = table.take(pa.array(np.random.default_rng(_SEED).permutation(places)))
    known = pa.table({each.key: row_values(each.kind, logged(part, each, paths)) for each in rules})
    named = {each.name: rule for each, rule in rules.items()}
    ident = digest_id("ev", reference.id, every, rows * steps, sorted(named))
    return Values(ident, every, rows, tuple(rules), named, known)


def row_values(kind: Kind, array: pa.Array) -> pa.Array:
    """Return a column's values as Evidently's tests take them: float64, or string; null where there is none.

    Finite numbers, texts as they are, categories as text.
    """
    array = without_nan(array)
    if kind is Kind.NUMERIC:
        numbers = array.cast(pa.float64())
        return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
    if kind is Kind.TEXT:
        return array
    coded = array.dictionary_encode()
    return pa.array(texts(coded.dictionary), pa.string()).take(coded.indices)


def question(values: Values, column: Column, current: pa.ChunkedArray) -> Question:
    """Return what is asked of a column.

    Parameters
    ----------
    current: of the window's rows, in an order drawn by lot.
    """
    rule = values.rules[column.name]
    sides = [side.combine_chunks().drop_null() for side in (values.known[column.key], current)]
    most = _MOST_ROWS.get(rule.test.name, max(map(len, sides)))
    if rule.test.name in _ALIKE:
        most = min(map(len, sides))
    old, new = (side.slice(0, most) for side in sides)
    return Question(rule, column.kind, old, new)


def answer_body(rule: EvidentlyRule, answer: Json | None) -> Json:
    """Return verdict, reason and figures of a column; ``None`` where nothing could be asked."""
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
