"""What of a file violates what the other one lets expect of its data: the ``quality_violations`` of a comparison.

Each share is held against the reference's own by the beta-binomial law of exchangeable rows, and the chance that any
check of any column is violated by luck is ``alpha`` at most (Bonferroni). What is expected of windows alone, as that so
many categories appear, is not looked at: chi-squared sees it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.frame.pairing import NOT_COMPARED, Pair, Shared, values_of
from monitor.frame.parts import counted
from monitor.instant import FIRST
from monitor.quality import duplicates, missing, non_finite, ranges, schema, unseen, violation
from monitor.quality.check import Allowed, AsConfigured, AsInReference, Seen
from monitor.quality.constant import CHECK as CONSTANT
from monitor.quality.constant import FREE, NotStuck
from monitor.quality.mismatched import CHECK as TYPE
from monitor.quality.schema import NotGone
from monitor.quality.settings import AtMost, ColumnQualitySettings, QualitySettings
from monitor.quality.usual import usual_of_rows
from monitor.record import Kind
from monitor.record_layout import ColumnsSettings
from monitor.sources.formats.instants import to_instants
from monitor.tally import Mask, Outside, floats
from monitor.tally import Pair as MustHold
from monitor.usual_range import range_of

Json = dict[str, Any]
TIMESTAMP = "timestamp"
_LEAST_STUCK = 100
"""Of so many rows and a value that nine of ten have, one is another: but once in 30,000 times."""
_WITH_CELLS = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.TEXT)


@dataclass(frozen=True, slots=True)
class Looked:
    """One check of a column, or of the table where that is ``None``."""

    column: str | None
    check: str
    seen: Seen
    allowed: Allowed


def quality_violations(
    tables: tuple[pa.Table, pa.Table], shared: Shared, columns: ColumnsSettings, settings: QualitySettings, alpha: float
) -> list[Json]:
    """Return what the second of two tables violates, in the order of the first one's columns; the table comes last."""
    if settings.checks == "off":
        return []
    looked = [*_of_columns(shared, settings), *_of_tables(tables, shared, columns, settings)]
    level = alpha / max(len(looked), 1)
    found = [violation(each.column, each.check, each.seen, each.allowed, level) for each in looked]
    gone = [_gone(column.name) for column in shared.gone if settings.looked_at(column)]
    return [*gone, *(each for each in found if each is not None)]


def _gone(name: str) -> Json:
    """Return that no record of a file has a column, which stands in the other one."""
    return {"column": name, "check": schema.CHECK.name, "value": 1.0, "lower": 0.0, "upper": 0.0}


def _of_columns(shared: Shared, settings: QualitySettings) -> Iterator[Looked]:
    for pair in shared.pairs:
        if settings.looked_at(pair.column):
            own = settings.own(pair.column.name)
            yield from _of_missing(pair, own, settings.tolerance)
            if pair.column.kind in (Kind.NUMERIC, Kind.TEXT):
                yield from _of_numbers(pair, own, settings.tolerance)
            if pair.column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
                yield from _of_categories(pair, own, settings.tolerance)
            if pair.column.kind in _WITH_CELLS and not own.constant:
                yield from _of_one_value(pair)


def _of_missing(pair: Pair, own: ColumnQualitySettings, tolerance: float) -> Iterator[Looked]:
    name = pair.column.name
    old, new = (Seen(side.null_count, len(side)) for side in (pair.reference, pair.current))
    is_gone = Looked(name, schema.CHECK.name, new, NotGone(old.ratio))
    if old.ratio < 1 and is_gone.allowed.is_broken(new, 0.0):
        yield is_gone
        return
    if pair.column.kind not in NOT_COMPARED:
        mismatched = Seen(pair.mismatched[0], old.of), Seen(pair.mismatched[1], new.of)
        yield _looked(name, TYPE.name, mismatched, own.type, tolerance)
    yield _looked(name, missing.CHECK.name, (old, new), own.missing, tolerance)


def _of_numbers(pair: Pair, own: ColumnQualitySettings, tolerance: float) -> Iterator[Looked]:
    column = pair.column
    if column.kind is Kind.NUMERIC:
        infinite = _infinite(pair.reference), _infinite(pair.current)
        yield _looked(column.name, non_finite.CHECK.name, infinite, own.non_finite, tolerance)
    ends = own.ends or range_of(column, floats(pa.chunked_array([pair.reference])))
    if ends is not None:
        check = ranges.LENGTH if column.kind is Kind.TEXT else ranges.RANGE
        outside = Outside(column.key, *ends)
        seen = (
            _seen(outside.broken(pa.table({column.key: pair.reference}))),
            _seen(outside.broken(pa.table({column.key: pair.current}))),
        )
        yield _looked(column.name, check.name, seen, None, tolerance)


def _infinite(side: pa.Array) -> Seen:
    return Seen(int((~np.isfinite(side.drop_null().to_numpy())).sum()), len(side))


def _of_categories(pair: Pair, own: ColumnQualitySettings, tolerance: float) -> Iterator[Looked]:
    """Look for categories that are new: of the next rows so many as there are rows whose category no other has.

    Source: Good (1953), Biometrika 40:237 (the chance of what was never seen).
    """
    known, now = counted(pair.reference), counted(pair.current)
    alone = Seen(sum(rows == 1 for rows in known.values()), sum(known.values()))
    new = Seen(sum(rows for level, rows in now.items() if level not in known), sum(now.values()))
    yield _looked(pair.column.name, unseen.CHECK.name, (alone, new), own.unseen, tolerance)


def _of_one_value(pair: Pair) -> Iterator[Looked]:
    old, new = (_fullest(pair.column.kind, side) for side in (pair.reference, pair.current))
    if old.of and old.ratio <= FREE and new.of >= _LEAST_STUCK:
        yield Looked(pair.column.name, CONSTANT.name, new, NotStuck())


def _fullest(kind: Kind, side: pa.Array) -> Seen:
    """Return how many rows have the value that most have."""
    if kind is Kind.NUMERIC:
        rows = np.unique(values_of(side), return_counts=True)[1].tolist()
    else:
        rows = list(counted(side).values())
    return Seen(max(rows, default=0), sum(rows))


def _of_tables(
    tables: tuple[pa.Table, pa.Table], shared: Shared, columns: ColumnsSettings, settings: QualitySettings
) -> Iterator[Looked]:
    reference, current = tables
    tolerance, id_ = settings.tolerance, columns.id
    if columns.timestamp in reference.column_names and columns.timestamp in current.column_names:
        untrue = _untrue(reference[columns.timestamp]), _untrue(current[columns.timestamp])
        yield _looked(None, TIMESTAMP, untrue, None, tolerance)
    if id_ is not None and id_ in current.column_names:
        old = _repeated(reference[id_]) if id_ in reference.column_names else Seen(0, reference.num_rows)
        yield _looked(None, duplicates.NAME, (old, _repeated(current[id_])), settings.duplicates, tolerance)
    numbers = {pair.column.name: pair for pair in shared.pairs if pair.column.kind is Kind.NUMERIC}
    for left, relation, right in settings.pairs:
        if left in numbers and right in numbers:
            rule, a, b = MustHold("left", relation, "right"), numbers[left], numbers[right]
            broken = (
                _seen(rule.broken(pa.table({"left": a.reference, "right": b.reference}))),
                _seen(rule.broken(pa.table({"left": a.current, "right": b.current}))),
            )
            yield _looked(None, f"{left} {relation} {right}", broken, None, tolerance)


def _untrue(values: pa.ChunkedArray) -> Seen:
    """Count the records whose instant is missing, cannot be read, or is of a time before there were any."""
    true = pc.greater_equal(to_instants(values.combine_chunks()).values, FIRST)
    return Seen(len(values) - true.true_count, len(values))


def _repeated(ids: pa.ChunkedArray) -> Seen:
    known = ids.drop_null()
    return Seen(len(known) - len(known.unique()), len(known))


def _seen(broken: Mask | None) -> Seen:
    return Seen(0, 0) if broken is None else Seen(int(broken.sum()), len(broken))


def _looked(column: str | None, check: str, sides: tuple[Seen, Seen], given: AtMost | None, tolerance: float) -> Looked:
    """Return a check of a share: against what the config says, or else what the reference shows."""
    old, new = sides
    if given is not None:
        return Looked(column, check, new, AsConfigured(given.at_most))
    return Looked(column, check, new, AsInReference(usual_of_rows(old.bad, old.of), tolerance))
