"""Which columns take part in joint scores, and how each is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bins import CategoryBins, Floats
from monitor.joint.exact import cross_products
from monitor.joint.scores import QUANTA, Bools, Scorer, cells_of, level_table, rank_table, score_matrix
from monitor.profile import ColumnBins

Levels = Mapping[int, tuple[NDArray[np.intp], Bools]]


def scorers_of(rows: pa.Table, columns: Sequence[ColumnBins]) -> list[Scorer]:
    """Return the columns that tell records apart, in order: numbers by rank, categories by what goes with them.

    Parameters
    ----------
    rows: the reference's, or a sample of it.
    columns: with their bins.
    """
    numeric: dict[int, Scorer] = {}
    levels: dict[int, tuple[NDArray[np.intp], Bools]] = {}
    for place, watched in enumerate(columns):
        column, bins = watched.column, watched.bins
        if bins is None:
            continue
        cells, known = cells_of(rows[column.key].combine_chunks(), bins)
        if isinstance(bins, CategoryBins):
            levels[place] = (cells, known)
        elif (table := rank_table(np.bincount(cells[known], minlength=bins.size))) is not None:
            numeric[place] = Scorer(column.key, column.name, bins, table)
    scores, _ = score_matrix(list(numeric.values()), rows)
    found = numeric | _category_scorers(columns, levels, scores)
    return [found[place] for place in sorted(found)]


def _category_scorers(columns: Sequence[ColumnBins], levels: Levels, numeric: Floats) -> dict[int, Scorer]:
    found = {}
    frequent = {place: ((cells == 0) & known)[:, None] for place, (cells, known) in levels.items()}  # the first level
    for place, (cells, known) in levels.items():
        column, bins = columns[place].column, columns[place].bins
        others = np.hstack([numeric, *(flag.astype(float) for other, flag in frequent.items() if other != place)])
        if bins is not None and (table := level_table(cells[known], bins.size, others[known])) is not None:
            found[place] = Scorer(column.key, column.name, bins, table)
    return found


def correlation_of(scores: Floats) -> Floats:
    """Return the mean products of scores in quanta, shape (d, d): sums of whole numbers, the same on every machine."""
    product: Floats = cross_products(scores) / (len(scores) * QUANTA**2)
    return product


def most_dependent(correlation: Floats, number: int) -> list[int]:
    """Return the places, rising, of the columns whose strongest dependence is strongest; ties go by place.

    >>> most_dependent(np.array([[1, 0.1, 0.8], [0.1, 1, 0], [0.8, 0, 1]]), 2)
    [0, 2]
    """
    strongest = np.abs(np.round(correlation - np.diag(np.diag(correlation)), 6)).max(axis=1)
    return sorted(np.argsort(-strongest, kind="stable")[:number].tolist())
