"""Instants within a record, such as when an order was placed: their age at the record, and their hour of the day.

``age`` is the record's own event time less the instant, in seconds, where the reference has event times; ``hour.cos``
and ``hour.sin`` place the instant's time of day, UTC, on a circle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitor.comparison import DriftSettings
from monitor.derive.circular import on_circle
from monitor.derived import TIMESTAMP, Fitted, Ground, Values, facet, fitted
from monitor.instant import SECOND, from_text
from monitor.record import Kind

_DAY = 24 * 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Frozen:
    """Where the instants stand, and whether records have an event time to take their age at."""

    key: str
    timed: bool

    def __call__(self, table: pa.Table) -> Values:
        """Return the facets of rows; null where there is no instant, or none that can be read."""
        found = instants(table.column(self.key).combine_chunks())
        missing = found.is_null().to_numpy(zero_copy_only=False)
        at = found.fill_null(0).to_numpy()
        cosine, sine = on_circle(np.where(missing, np.nan, (at % _DAY) / _DAY), 1.0)
        if not self.timed:
            return [cosine, sine]
        age = (table.column(TIMESTAMP).to_numpy() - at) / SECOND
        return [pa.array(age, mask=missing), cosine, sine]


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the derivation of every column of instants."""
    for watched in ground.columns:
        column = watched.column
        if column.kind is not Kind.DATETIME or not drift.with_facets(column):
            continue
        type_ = ground.table.schema.field(column.key).type
        if pa.types.is_time(type_) or pa.types.is_duration(type_):
            continue
        names = [*(["age"] if ground.timed else []), "hour.cos", "hour.sin"]
        columns = [facet(column, name, Kind.NUMERIC) for name in names]
        yield fitted(columns, Frozen(column.key, ground.timed), ("instant", ground.timed), ground.table)


def instants(array: pa.Array) -> pa.Array:
    """Return instants as microseconds since 1970 UTC, int64; null for what is none.

    Each distinct text is read by itself, so that no neighbour changes how one is read.

    >>> instants(pa.array(["1970-01-01T00:00:01Z", "soon", None])).to_pylist()
    [1000000, None, None]
    """
    if pa.types.is_nested(array.type):
        return pa.nulls(len(array), pa.int64())
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    coded = array.cast(pa.string()).dictionary_encode()
    read = pa.array([_read(text) for text in coded.dictionary.to_pylist()], pa.int64())
    return read.take(coded.indices)


def _read(text: str) -> int | None:
    try:
        return from_text(text)
    except ValueError:
        return None
