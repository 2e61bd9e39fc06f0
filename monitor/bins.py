"""The bins of a column, frozen when its reference is compiled: what turns values into small integers.

A numeric column has up to about 1,000 *cells* of equal mass in the reference, with tail cells beyond; a
column of up to 1,000 distinct values gives each its own cell. Where the edges lie on a regular grid, a value
finds its cell by one multiplication and a table look-up; the result is bit for bit that of a binary search.

Since edges are quantiles, one outlier in the reference moves none of them but the outermost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CELLS = 1000
GRID = 16_384
MANY = 4096
"""From so many values on, the grid is quicker than the search."""
_INNER = (0.001, 0.999)
_TAIL_SHARES = (0.0001, 0.0002, 0.0005)
_TAIL_STEPS = 9
_LEVELS = 1000
_FINE_ENOUGH = 0.95
"""A skewed column whose quantiles crowd into fewer grid lines than this share keeps them and is searched."""

Floats = NDArray[np.float64]
Cells = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid that every inner edge lies on: line j starts at the smallest x with (x - origin) scale >= j."""

    origin: float
    scale: float
    cells: NDArray[np.int32] = field(repr=False)
    """The cell of each grid line, shape (lines,)."""


@dataclass(frozen=True, slots=True)
class NumericBins:
    """Cells of a numeric column: cell i holds edges[i-1] <= x < edges[i].

    Attributes
    ----------
    edges: shape (cells - 1,), rising.
    centres: what a row of each cell counts as where a distance needs a value, shape (cells,).
    origin, quantum: means are sums of whole ``(x - origin) / quantum``.
    """

    edges: Floats = field(repr=False)
    centres: Floats = field(repr=False)
    origin: float
    quantum: float
    grid: Grid | None = None

    @property
    def size(self) -> int:
        """Return the number of cells."""
        return len(self.edges) + 1

    def cells(self, values: Floats) -> Cells:
        """Return the cell of each finite value."""
        if self.grid is None or len(values) < MANY:
            return np.searchsorted(self.edges, values, side="right")
        return _grid_cells(self.grid, self.edges, values)


@dataclass(frozen=True, slots=True)
class CategoryBins:
    """Cells of a categorical column: one a kept level, then the other known levels, then unseen ones."""

    levels: tuple[str, ...]
    others: frozenset[str] = field(repr=False, default=frozenset())

    @property
    def size(self) -> int:
        """Return the number of cells."""
        return len(self.levels) + 2

    @property
    def other(self) -> int:
        """Return the cell of levels that the reference has, beyond the kept ones."""
        return len(self.levels)

    @property
    def unseen(self) -> int:
        """Return the cell of levels that the reference does not have."""
        return len(self.levels) + 1

    def cells(self, values: list[str]) -> Cells:
        """Return the cell of each distinct value."""
        place = {level: i for i, level in enumerate(self.levels)}
        return np.array(
            [place.get(value, self.other if value in self.others else self.unseen) for value in values], dtype=np.intp
        )


Bins = NumericBins | CategoryBins


def _grid_cells(grid: Grid, edges: Floats, values: Floats) -> Cells:
    lines = (values - grid.origin) * grid.scale
    inside = (lines >= 0) & (lines < len(grid.cells))
    cells: Cells = grid.cells[np.where(inside, lines, 0).astype(np.intp)].astype(np.intp)
    outside = ~inside
    if outside.any():
        cells[outside] = np.searchsorted(edges, values[outside], side="right")
    return cells


def numeric_bins(values: Floats) -> NumericBins:
    """Freeze the cells of a numeric column from its finite reference values, shape (n,), any order.

    Without a value there is one cell, at 0.
    """
    if not len(values):
        return NumericBins(np.empty(0), np.zeros(1), 0.0, 1.0)
    ordered = np.sort(values)
    distinct = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    if len(distinct) <= CELLS:
        return _distinct_bins(ordered, distinct)
    low, high = (float(x) for x in np.quantile(ordered, _INNER, method="closest_observation"))
    if not high > low or not np.isfinite(GRID / (high - low)):
        return _finish(ordered, _quantile_edges(ordered), low, high, None)
    quantiles = _quantile_edges(ordered)
    tails = _tail_edges(ordered, low, high)
    lines, starts = _snapped(quantiles, low, high)
    if len(starts) < _FINE_ENOUGH * len(quantiles):
        edges = np.unique(np.concatenate((tails, quantiles)))
        return _finish(ordered, edges, low, high, None)
    edges = np.concatenate((tails[tails < starts[0]], starts, tails[tails > starts[-1]]))
    below = int(np.searchsorted(edges, starts[0]))
    table = np.zeros(lines[-1], dtype=np.int32)
    table[lines[:-1]] = 1
    grid = Grid(low, GRID / (high - low), (np.cumsum(table) + below).astype(np.int32))
    return _finish(ordered, edges, low, high, grid)


def _quantile_edges(ordered: Floats) -> Floats:
    shares = np.arange(1, CELLS) / CELLS
    edges: Floats = np.unique(np.quantile(ordered, shares, method="closest_observation"))
    return edges


def _snapped(quantiles: Floats, low: float, high: float) -> tuple[Cells, Floats]:
    """Return the grid lines that the quantiles fall on, and where each starts, to the last bit."""
    scale = GRID / (high - low)
    inner = quantiles[(quantiles > low) & (quantiles < high)]
    lines = np.unique(np.concatenate(([0], np.ceil((inner - low) * scale).astype(np.intp), [GRID])))
    return lines, _line_starts(lines, low, scale)


def _line_starts(lines: Cells, low: float, scale: float) -> Floats:
    """Return, by bisection, the smallest x of each grid line: the first for which (x - low) scale >= line."""
    guess = low + lines / scale
    slack = 4 * np.spacing(np.maximum(np.abs(guess), abs(low)))
    short: Floats = guess - slack
    reached: Floats = guess + slack
    while True:
        middle = short / 2 + reached / 2
        open_ = (middle > short) & (middle < reached)
        if not open_.any():
            reached[0] = low
            return reached
        enough = (middle - low) * scale >= lines
        reached = np.where(open_ & enough, middle, reached)
        short = np.where(open_ & ~enough, middle, short)


def _tail_edges(ordered: Floats, low: float, high: float) -> Floats:
    """Return edges beyond the inner range: rare quantiles, the extremes, then steps that double."""
    shares = (*_TAIL_SHARES, *(1 - share for share in _TAIL_SHARES))
    rare = np.quantile(ordered, shares, method="closest_observation")
    past = np.nextafter(ordered[-1], np.inf)
    reach = (high - low) * 2.0 ** np.arange(_TAIL_STEPS)
    steps = np.concatenate((ordered[0] - reach, past + reach))
    edges: Floats = np.unique(np.concatenate((rare, [ordered[0], past], steps)))
    return edges[np.isfinite(edges)]


def _distinct_bins(ordered: Floats, distinct: Floats) -> NumericBins:
    """Give each distinct value its own cell, with cells outside that the reference leaves empty."""
    past = np.nextafter(distinct[-1], np.inf)
    low, high = float(distinct[0]), float(distinct[-1])
    width = high - low if 0 < high - low < np.inf else max(abs(low), 1.0)
    reach = width * 2.0 ** np.arange(_TAIL_STEPS)
    edges = np.unique(np.concatenate((low - reach, distinct, [past], past + reach)))
    return _finish(ordered, edges[np.isfinite(edges)], low, high, _whole_grid(edges, low, high))


def _whole_grid(edges: Floats, low: float, high: float) -> Grid | None:
    """Return a grid of step 1 where every value is whole and the range is short."""
    inner = edges[(edges >= low) & (edges <= high)]
    if high - low >= GRID or not np.array_equal(inner, np.rint(inner)):
        return None
    lines = np.arange(low, high + 1)[:-1]
    cells = np.searchsorted(edges, lines, side="right").astype(np.int32)
    return Grid(low, 1.0, cells) if len(cells) else None


def _finish(ordered: Floats, edges: Floats, low: float, high: float, grid: Grid | None) -> NumericBins:
    centres = _centres(ordered, edges)
    width = high - low
    exponent = np.ceil(np.log2(width)) if 0 < width < np.inf else 0.0
    return NumericBins(edges, centres, low, float(2.0 ** (exponent - 16)), grid)


def _centres(ordered: Floats, edges: Floats) -> Floats:
    """Return the mean reference value of each cell; the middle of an empty one, or its edge at the ends."""
    cells = np.searchsorted(edges, ordered, side="right")
    starts = np.concatenate(([-np.inf], edges))
    ends = np.concatenate((edges, [np.inf]))
    middle = np.where(np.isfinite(starts), np.where(np.isfinite(ends), starts / 2 + ends / 2, starts), ends)
    size = len(edges) + 1
    rows = np.bincount(cells, minlength=size)
    first = np.concatenate(([0], np.cumsum(rows)[:-1]))
    anchor = ordered[np.minimum(first, len(ordered) - 1)]
    spread = np.bincount(cells, weights=ordered - anchor[cells], minlength=size)
    centres: Floats = np.where(
        rows > 0, anchor + spread / np.maximum(rows, 1), np.where(np.isfinite(middle), middle, 0.0)
    )
    return centres


def category_bins(levels: list[str], rows: NDArray[np.int64]) -> CategoryBins:
    """Freeze the cells of a categorical column: the 1,000 most frequent levels, ties by name.

    Parameters
    ----------
    levels, rows: the reference's distinct values and how many rows have each, shape (n,).
    """
    order = sorted(range(len(levels)), key=lambda i: (-int(rows[i]), levels[i]))
    kept = tuple(levels[i] for i in order[:_LEVELS])
    return CategoryBins(kept, frozenset(levels[i] for i in order[_LEVELS:]))
