"""Two tables compared column by column, as a gate for pipelines: the object of ``compare --format json``.

Every column gets a p-value from a two-sample test; Holm's procedure holds the chance that any column is called drifted
while none drifts at ``alpha``; and a change too small to matter is none, however sure. Rows are taken as exchangeable:
where rows of one hour or one customer resemble each other, they are worth fewer than they are, and p is too small.

Source: Holm (1979), Scandinavian Journal of Statistics 6:65.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any

import pyarrow as pa

from monitor.comparison import ColumnDriftSettings, DriftSettings, Side
from monitor.drift.kolmogorov_smirnov import METHOD as KOLMOGOROV_SMIRNOV
from monitor.frame.by_classifier import ToldApart, told_apart, told_body
from monitor.frame.by_evidently import judged_by_evidently, rule_of
from monitor.frame.pairing import NOT_COMPARED, Pair, Shared, shared_columns
from monitor.frame.parts import Part, Parts, category_parts, numeric_parts
from monitor.frame.renames import renamed
from monitor.frame.violating import quality_violations
from monitor.measure import drifted, effect_body, finite, judged, side_body
from monitor.quality.settings import QualitySettings
from monitor.record import Kind
from monitor.record_layout import ColumnsSettings
from monitor.verdict import Verdict

Json = dict[str, Any]
ALPHA = 0.01
LEAST_ROWS = KOLMOGOROV_SMIRNOV.least_rows


class Why(StrEnum):
    """Why a column's verdict is what it is."""

    DISTANCE_OVER_THRESHOLD = "distance_over_threshold"
    DISTANCE_UNDER_THRESHOLD = "distance_under_threshold"
    MISSING_OVER_THRESHOLD = "missing_over_threshold"
    KIND_NOT_COMPARED = "kind_not_compared"
    TOO_FEW_ROWS = "too_few_rows"
    NO_VALUES = "no_values"
    METHOD_FAILED = "method_failed"


@dataclass(frozen=True, slots=True)
class Taken:
    """How two tables are compared.

    Attributes
    ----------
    alpha: the chance, at most, that any column is called drifted although none drifts; between 0 and 1.
    task: what the model answers, as in the config: predictions of a classifier are categories even if numbers.
    classifier: whether a classifier tries to tell the tables apart, by all columns together.
    """

    alpha: float = ALPHA
    columns: ColumnsSettings = field(default_factory=ColumnsSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    task: str = "none"
    classifier: bool = False
    quality: QualitySettings = field(default_factory=QualitySettings)


@dataclass(frozen=True, slots=True)
class _Examined:
    """A column with its tests, or why it has none."""

    pair: Pair
    sides: tuple[Side, Side]
    tests: tuple[Part, ...]
    why: Why | None = None

    @property
    def p_value(self) -> float:
        """Return the p-value of the column: of its tests the least, times their number (Bonferroni)."""
        return min(1.0, len(self.tests) * min(test.p_value for test in self.tests))


def compare_tables(reference: pa.Table, current: pa.Table, how: Taken = Taken()) -> Json:
    """Return the ``comparison`` object of two flat tables; ``path`` and ``id`` of both are left to the caller.

    With ``classifier`` beside the other keys where one was asked for.

    Raises
    ------
    ReferenceUnusable: the reference has no column to compare.
    ColumnUnknown, ColumnRepeated: the settings name a column that is nowhere, or two have one name.
    WorkerFailed: a rule or the classifier needs a library that is not installed.
    """
    begun = perf_counter()
    shared = shared_columns(reference, current, how.columns, how.task)
    apart = told_apart(shared.pairs, _order(reference, how)) if how.classifier else None
    columns = _columns(shared, how, apart)
    body: Json = {} if apart is None else {"classifier": apart.body()}
    return body | {
        "kind": "comparison",
        "schema": 1,
        "verdict": _verdict(columns).value,
        "alpha": how.alpha,
        "reference": {"path": "", "rows": reference.num_rows, "id": ""},
        "current": {"path": "", "rows": current.num_rows, "id": ""},
        "columns_judged": judged(columns),
        "columns_drifted": drifted(columns),
        "columns": columns,
        "columns_missing": [column.name for column in shared.gone],
        "columns_extra": list(shared.new),
        "columns_renamed": renamed(reference, current, shared),
        "quality_violations": quality_violations((reference, current), shared, how.columns, how.quality, how.alpha),
        "performance": [],
        "elapsed_seconds": perf_counter() - begun,
    }


def _verdict(columns: Sequence[Json]) -> Verdict:
    verdicts = {column["verdict"] for column in columns}
    for verdict in (Verdict.DRIFTED, Verdict.STABLE):
        if verdict.value in verdicts:
            return verdict
    return Verdict.FAILED if verdicts == {Verdict.FAILED.value} else Verdict.INSUFFICIENT_DATA


def _order(reference: pa.Table, how: Taken) -> pa.ChunkedArray | None:
    return reference[how.columns.timestamp] if how.columns.timestamp in reference.column_names else None


def _columns(shared: Shared, how: Taken, apart: ToldApart | None) -> list[Json]:
    ruled = {pair.column.name: rule for pair in shared.pairs if (rule := rule_of(how.drift, pair)) is not None}
    examined = [_examine(pair, how) for pair in shared.pairs]
    held = [each.p_value for each in examined if each.tests and each.pair.column.name not in ruled]
    told = [] if apart is None else [apart]
    level = holm_level([*held, *(each.p_value for each in told if each.skill is not None)], how.alpha)
    found = judged_by_evidently(shared.pairs, ruled)
    columns = [_body(each, level) | found.get(each.pair.column.name, {}) for each in examined]
    columns += [told_body(each, _sides(shared), level, how.drift.tolerance) for each in told]
    over = [_ratio(column) for column in columns]
    for column, ratio in zip(columns, over, strict=True):
        column["share_of_drift"] = ratio / sum(over) if sum(over) else None
    return sorted(columns, key=lambda column: (-(column["share_of_drift"] or 0.0), column["name"]))


def _sides(shared: Shared) -> tuple[Json, Json]:
    """Return both tables in figures, as a side of the column that is made of all others."""
    rows = [(len(pair.reference), len(pair.current)) for pair in shared.pairs[:1]] or [(0, 0)]
    old, new = (side_body(Side(each, 0.0 if each else None, None, None, None)) for each in rows[0])
    return old, new


def holm_level(p_values: Sequence[float], alpha: float) -> float:
    """Return the level at which Holm's procedure ends: exactly the p-values up to it are significant.

    >>> holm_level([0.001, 0.02, 0.5], 0.05), holm_level([0.2, 0.3], 0.05), holm_level([], 0.05)
    (0.05, 0.025, 0.05)
    """
    number = len(p_values)
    for place, p_value in enumerate(sorted(p_values)):
        if p_value > alpha / (number - place):
            return alpha / (number - place)
    return alpha


def _examine(pair: Pair, how: Taken) -> _Examined:
    own = how.drift.columns.get(pair.column.name, ColumnDriftSettings()).tolerance
    tolerance = how.drift.tolerance if own is None else own
    n, m = len(pair.reference), len(pair.current)
    plain = Side(n, _missing(pair.reference), None, None, None), Side(m, _missing(pair.current), None, None, None)
    if pair.column.kind in NOT_COMPARED:
        return _Examined(pair, plain, (), Why.KIND_NOT_COMPARED)
    if min(n, m) < LEAST_ROWS or _least_p(n, m) > how.alpha:
        return _Examined(pair, plain, (), Why.TOO_FEW_ROWS)
    try:
        parts = _parts(pair, tolerance)
    except (ArithmeticError, ValueError, IndexError, pa.ArrowException):
        return _Examined(pair, plain, (), Why.METHOD_FAILED)
    return _Examined(pair, (parts.reference, parts.current), parts.tests, None if parts.tests else Why.NO_VALUES)


def _parts(pair: Pair, tolerance: float) -> Parts:
    if pair.column.kind in (Kind.NUMERIC, Kind.TEXT):
        return numeric_parts(pair, tolerance, LEAST_ROWS)
    return category_parts(pair, tolerance)


def _missing(array: pa.Array) -> float | None:
    return array.null_count / len(array) if len(array) else None


def _least_p(n: int, m: int) -> float:
    """Return the p-value of two samples that share no value: none can be smaller."""
    return 2 * math.exp(math.lgamma(n + 1) + math.lgamma(m + 1) - math.lgamma(n + m + 1))


def _body(examined: _Examined, level: float) -> Json:
    column = examined.pair.column
    return {
        "name": column.name,
        "role": column.role.value,
        "kind": column.kind.value,
        **(_judged(examined, level) if examined.tests else _not_judged(examined.why)),
        "share_of_drift": None,
        "began_at": None,
        "reference": side_body(examined.sides[0]),
        "current": side_body(examined.sides[1]),
    }


def _judged(examined: _Examined, level: float) -> Json:
    """Return the test that decides: of those over their threshold the surest, else the first."""
    number = len(examined.tests)
    thresholds = [max(test.critical(level / number), test.least) for test in examined.tests]
    over = [place for place, test in enumerate(examined.tests) if test.distance >= thresholds[place]]
    place = min(over, key=lambda each: examined.tests[each].p_value, default=0)
    test = examined.tests[place]
    why = Why.DISTANCE_UNDER_THRESHOLD
    if over:
        why = Why.MISSING_OVER_THRESHOLD if test.of_missing else Why.DISTANCE_OVER_THRESHOLD
    return {
        "verdict": (Verdict.DRIFTED if over else Verdict.STABLE).value,
        "why": why.value,
        "method": test.method,
        "distance": test.distance,
        "p_value": finite(min(1.0, number * test.p_value)),
        "threshold": thresholds[place],
        "effect": effect_body(test.effect),
    }


def _not_judged(why: Why | None) -> Json:
    failed = why is Why.METHOD_FAILED
    return {
        "verdict": (Verdict.FAILED if failed else Verdict.INSUFFICIENT_DATA).value,
        "why": (why or Why.NO_VALUES).value,
        "method": None,
        "distance": None,
        "p_value": None,
        "threshold": None,
        "effect": None,
    }


def _ratio(column: Json) -> float:
    """Return how far a drifted column is over its threshold; 0 for others."""
    if column["verdict"] != Verdict.DRIFTED.value:
        return 0.0
    return float(column["distance"] / column["threshold"]) if column["threshold"] else 1.0
