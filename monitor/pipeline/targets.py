"""Targets as they are kept: the id of their record, the value as JSON, and when they were known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from monitor.instant import Instant
from monitor.record import Layout
from monitor.sampling import id_hashes, sampled

UNDATED: Instant = 0
"""The instant of a target without a timestamp: it counts as known from the beginning."""


def target_rows(
    table: pa.Table, layouts: tuple[Layout, Layout] | None, pane: int
) -> tuple[list[tuple[str, str, Instant]], Counter[Instant]]:
    """Return the targets of a batch, and how many were known in each pane of event time."""
    if layouts is None or not table.num_rows:
        return [], Counter()
    layout = layouts[1]
    values = table[layout.columns[0].path].to_pylist()
    times = [UNDATED if at is None else at for at in table["timestamp"].to_pylist()]
    ids = table[layout.id].to_pylist() if layout.id else []
    rows = [(id_, text, at) for id_, text, at in zip(ids, _texts(values), times, strict=True) if text is not None]
    return rows, Counter(at // pane * pane for _, _, at in rows)


def _texts(values: Iterable[Any]) -> Iterator[str | None]:
    """Yield values as JSON, each class once written; ``None`` stays what it is."""
    written: dict[tuple[type, Any], str] = {}
    for value in values:
        if isinstance(value, str | int):  # not a float: 0.0 and -0.0 are one key
            text = written.get((type(value), value))
            if text is None:
                text = written[type(value), value] = json.dumps(value)
            yield text
        else:
            yield None if value is None else json.dumps(value)


def of_sample(rows: list[tuple[str, str, Instant]], rate: float) -> list[tuple[str, str, Instant]]:
    """Return the targets of records that are sampled: the same hash of the same id decides."""
    if rate >= 1:
        return rows
    chosen = sampled(id_hashes(row[0] for row in rows), rate).tolist()
    return [row for row, kept in zip(rows, chosen, strict=True) if kept]
