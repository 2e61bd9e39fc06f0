"""Where the reference lies: records outside it are not what an estimate was fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.kinds import without_nan
from monitor.performance.pairs import Floats
from monitor.profile import nulls, numbers

_MOST_LEVELS = 1000
"""A column with more levels is a name of its rows, and every new row would lie outside."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Support:
    """The range of each numeric column and of the scores, and the levels of each other column."""

    ranges: Mapping[str, tuple[float, float]] = field(repr=False)
    levels: Mapping[str, tuple[str, ...]] = field(repr=False)
    scores: tuple[float, float] | None = None

    def outside(self, features: pa.Table | None, scores: Floats | None, rows: int) -> Floats:
        """Return 1 where a value of a row is beyond all of the reference, else 0, (n,).

        A missing value, and a column that ``features`` does not have, are nowhere outside.
        """
        out = np.zeros(rows, np.bool_)
        if scores is not None and self.scores is not None:
            out |= _beyond(scores.reshape(rows, -1), self.scores).any(axis=1)
        for name, column in columns_of(features):
            if name in self.ranges and is_number(column.type):
                out |= _beyond(numbers(column), self.ranges[name])
            elif name in self.levels and has_levels(column.type):
                out |= _unseen(column, self.levels[name])
        return out.astype(np.float64)


def fit_support(features: pa.Table | None, scores: Floats | None = None) -> Support:
    """Return the support of a reference's rows.

    Parameters
    ----------
    features: columns of numbers, texts or truths by name; ``None`` if only scores are looked at.
    scores: (n,) or (n, k); NaN where there is none.
    """
    ranges, levels = {}, {}
    for name, column in columns_of(features):
        if is_number(column.type):
            values = numbers(column)
            if np.isfinite(values).any():
                ranges[name] = _range(values)
        elif has_levels(column.type):
            known = texts(column).unique().drop_null()
            if 0 < len(known) <= _MOST_LEVELS:
                levels[name] = tuple(sorted(known.to_pylist()))
    return Support(ranges, levels, None if scores is None or np.isnan(scores).all() else _range(scores))


def is_number(kind: pa.DataType) -> bool:
    """Say whether a column of this type has a range."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def has_levels(kind: pa.DataType) -> bool:
    """Say whether a column of this type has levels: texts and truths do, instants and lists do not."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_boolean(value))


def columns_of(features: pa.Table | None) -> Iterator[tuple[str, pa.Array]]:
    """Yield the name and the values of each column."""
    if features is not None:
        for name in features.column_names:
            yield name, features[name].combine_chunks()


def _range(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return float(finite.min()), float(finite.max())


def _beyond(values: Floats, span: tuple[float, float]) -> Bools:
    beyond: Bools = (values < span[0]) | (values > span[1])
    return beyond


def _unseen(column: pa.Array, levels: tuple[str, ...]) -> Bools:
    asked = texts(column)
    known = pc.is_in(asked, value_set=pa.array(levels, pa.string()))
    unseen: Bools = ~np.asarray(known.to_numpy(zero_copy_only=False), np.bool_) & ~nulls(asked)
    return unseen


def texts(column: pa.Array) -> pa.Array:
    """Return values as texts, null where there is none."""
    return without_nan(column).cast(pa.string())


def own_outside(features: pa.Table | None, scores: Floats | None, parts: NDArray[np.intp]) -> float:
    """Return the share of the reference's rows that lie outside the support of its other parts."""
    outside = 0.0
    for part in np.unique(parts):
        here = parts == part
        others = None if features is None else features.filter(pa.array(~here))
        rows = None if features is None else features.filter(pa.array(here))
        support = fit_support(others, None if scores is None else scores[~here])
        outside += float(support.outside(rows, None if scores is None else scores[here], int(here.sum())).sum())
    return outside / len(parts)
