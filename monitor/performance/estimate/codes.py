"""Features as small whole numbers: what the loss models read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.support import columns_of, has_levels, is_number, texts
from monitor.performance.pairs import Floats
from monitor.profile import numbers

SIZE = 64
"""Codes of a column: 0 where there is no value or a level that the reference did not have, else 1 to 63, in order."""
MOST_COLUMNS = 20
"""The loss models read so many columns: what a fit takes grows with each."""
_SHRINK_ROWS = 10.0
"""A level of so few rows goes half by its own mean, half by that of all."""
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Coder:
    """How columns become codes.

    Attributes
    ----------
    names: of the columns, in order.
    cuts: of numeric columns, rising, at most 62.
    levels: of other columns, the code of each level.
    """

    names: tuple[str, ...]
    cuts: Mapping[str, Floats] = field(repr=False)
    levels: Mapping[str, Mapping[str, int]] = field(repr=False)

    def __call__(self, features: pa.Table) -> Codes:
        """Return the codes of rows, (n, d); 0 in a column that is not there or of another type."""
        codes = np.zeros((features.num_rows, len(self.names)), np.uint8)
        present = dict(columns_of(features))
        for place, name in enumerate(self.names):
            column = present.get(name)
            if column is None:
                continue
            if name in self.cuts and is_number(column.type):
                codes[:, place] = _cut(numbers(column), self.cuts[name])
            elif name in self.levels and has_levels(column.type):
                codes[:, place] = _coded(column, self.levels[name])
        return codes


def fit_coder(features: pa.Table, losses: Floats) -> Coder:
    """Return the coder of a reference's columns.

    Numbers are cut at quantiles. Levels are put in the order of their mean loss, shrunk to that of all: the best cut
    of levels in two is one of that order (Breiman et al. 1984, theorem 4.5).

    Parameters
    ----------
    features: numbers, texts and truths by name, n rows; columns of other types are left out.
    losses: (n,).
    """
    cuts, levels = {}, {}
    for name, column in columns_of(features):
        if is_number(column.type):
            cuts[name] = _cuts(numbers(column))
        elif has_levels(column.type):
            levels[name] = _ordered(column, losses)
    return Coder(tuple(name for name in features.column_names if name in cuts or name in levels), cuts, levels)


def most_telling(coder: Coder, features: pa.Table, losses: Floats, most: int = MOST_COLUMNS) -> Coder:
    """Return the coder of the columns, ``most`` at most, whose codes explain most of the losses, each by itself.

    What they explain is the variance of the codes' means, less what as many codes would explain of noise (Kelley 1935:
    epsilon squared).
    """
    if len(coder.names) <= most:
        return coder
    codes, total = coder(features), float(losses.var())
    explained = np.array([_explained(codes[:, place], losses, total) for place in range(len(coder.names))])
    kept = np.sort(np.argsort(-explained, kind="stable")[:most])
    names = tuple(coder.names[place] for place in kept)
    cuts = {name: each for name, each in coder.cuts.items() if name in names}
    return Coder(names, cuts, {name: each for name, each in coder.levels.items() if name in names})


def _explained(codes: Codes, losses: Floats, total: float) -> float:
    rows = np.bincount(codes, minlength=SIZE)
    sums = np.bincount(codes, losses - losses.mean(), SIZE)
    seen = rows > 0
    between = float(np.sum(sums[seen] ** 2 / rows[seen])) / len(losses)
    return between - total * (int(seen.sum()) - 1) / len(losses)


def _cuts(values: Floats) -> Floats:
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return np.empty(0)
    distinct = np.unique(finite)
    if len(distinct) < SIZE - 1:
        return (distinct[:-1] + distinct[1:]) / 2
    return np.unique(finite[np.arange(1, SIZE - 1) * len(finite) // (SIZE - 1)])


def _cut(values: Floats, cuts: Floats) -> Codes:
    codes = 1 + np.searchsorted(cuts, values, side="right")
    return np.where(np.isnan(values), 0, codes).astype(np.uint8)


def _ordered(column: pa.Array, losses: Floats) -> dict[str, int]:
    coded = texts(column).dictionary_encode()
    place = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
    rows = np.bincount(place, minlength=len(coded.dictionary) + 1)[:-1]
    sums = np.bincount(place, losses, len(coded.dictionary) + 1)[:-1]
    means = (sums + _SHRINK_ROWS * losses.mean()) / (rows + _SHRINK_ROWS)
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda level: (means[level], names[level]))
    return {names[level]: 1 + rank * (SIZE - 1) // max(len(order), SIZE - 1) for rank, level in enumerate(order)}


def _coded(column: pa.Array, levels: Mapping[str, int]) -> Codes:
    coded = texts(column).dictionary_encode()
    table = np.array([*(levels.get(level, 0) for level in coded.dictionary.to_pylist()), 0], np.uint8)
    codes: Codes = table[coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)]
    return codes
