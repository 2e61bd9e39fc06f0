"""The bins of a column, frozen when its reference is compiled: what turns values into small integers.

A numeric column has up to about 1,000 *cells* of equal mass in the reference, with tail cells beyond; a
column of up to 1,000 distinct values gives each its own cell. Where the edges lie on a regular grid, a value
finds its cell by one multiplication and a table look-up; the result is bit for bit that of a binary search.

Since edges are quantiles, one outlier in the reference moves none of them but the outermost. The *inner range*
of a column is from its 0.1 % to its 99.9 % point, or all of it where those are one value.
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
_TAIL_STEPS = 2.0 ** np.arange(-7, 9)
"""How far from the reference the edges beyond it lie, in its widths: rows just beyond it are not taken for far ones."""
_SLACK = 16
"""A grid line starts at most so many units in the last place from where it would without rounding."""
_SHARES = np.arange(1, CELLS) / CELLS
_LONE_GAP = 2.0**-20
"""A value without a neighbour has a cell of this width, relative to it: wider than float32 is coarse."""
_HALVES_END = 2.0**51
"""Under it, halves are exact."""
_LEVELS = 1000
_FINE_ENOUGH = 0.95
"""A skewed column whose quantiles crowd into fewer grid lines than this share keeps them and is searched."""

Floats = NDArray[np.float64]
Cells = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid that every inner edge lies on: line j starts at the least x with (x - origin) scale >= j."""

    origin: float
    scale: float
    cells: NDArray[np.int32] = field(repr=False)
    """The cell of each grid line, shape (lines,)."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a grid that are edges: line 0 and others, rising."""

    number: Cells
    origin: float
    scale: float

    def starts(self) -> Floats:
        """Return, by bisection, the least x >= origin of each line: the first for which (x - origin) scale >= line."""
        guess = self.origin + self.number / self.scale
        slack = _SLACK * np.spacing(np.maximum(np.abs(guess), abs(self.origin)))
        short: Floats = guess - slack
        reached: Floats = guess + slack
        while True:
            middle = short / 2 + reached / 2
            open_ = (middle > short) & (middle < reached)
            if not open_.any():
                reached[0] = self.origin
                return reached
            enough = (middle - self.origin) * self.scale >= self.number
            reached = np.where(open_ & enough, middle, reached)
            short = np.where(open_ & ~enough, middle, short)


@dataclass(frozen=True, slots=True)
class NumericBins:
    """Cells of a numeric column: cell i holds edges[i-1] <= x < edges[i].

    Attributes
    ----------
    edges: shape (cells - 1,), rising.
    centres: what a row of each cell counts as where a distance needs a value, shape (cells,): the mean reference
        value of the cell, or the middle of one that is empty.
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
    with np.errstate(over="ignore"):
        lines = values - grid.origin
        lines *= grid.scale
    inside = values >= grid.origin
    inside &= lines < len(grid.cells)
    if inside.all():
        return grid.cells[lines.astype(np.intp)].astype(np.intp)
    outside = ~inside
    lines[outside] = 0
    cells: Cells = grid.cells[lines.astype(np.intp)].astype(np.intp)
    cells[outside] = np.searchsorted(edges, values[outside], side="right")
    return cells


def numeric_bins(values: Floats) -> NumericBins:
    """Freeze the cells of a numeric column from its finite reference values, shape (n,), any order.

    Without a value there is one cell, at 0.
    """
    if not len(values):
        return NumericBins(np.empty(0), np.zeros(1), 0.0, 1.0)
    ordered = np.sort(values)
    with np.errstate(over="ignore"):  # a length too large for a float is infinite, and left out
        distinct = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
        low, high = _inner_range(ordered)
        tails = _tail_edges(ordered, low, high)
        inner, layout = _distinct(distinct) if len(distinct) <= CELLS else _quantiles(ordered, distinct, low, high)
        below, above = tails[tails < inner[0]], tails[tails > inner[-1]]
        edges = np.concatenate((below, inner, above))
        centres = _centres(ordered, edges)
    return NumericBins(edges, centres, low, _quantum(low, high), _grid(layout, len(below)))


def _inner_range(ordered: Floats) -> tuple[float, float]:
    low, high = (float(x) for x in np.quantile(ordered, _INNER, method="closest_observation"))
    return (low, high) if high > low else (float(ordered[0]), float(ordered[-1]))


def _tail_edges(ordered: Floats, low: float, high: float) -> Floats:
    """Return edges beyond the inner range: rare quantiles, the extremes, and steps that double."""
    shares = (*_TAIL_SHARES, *(1 - share for share in _TAIL_SHARES))
    rare = np.quantile(ordered, shares, method="closest_observation")
    past = np.nextafter(ordered[-1], np.inf)
    width = high - low if 0 < high - low < np.inf else max(abs(low), 1.0)
    reach = width * _TAIL_STEPS
    steps = (low - reach, high + reach, ordered[0] - reach, past + reach)
    edges: Floats = np.unique(np.concatenate((rare, [ordered[0], past], *steps)))
    return edges[np.isfinite(edges)]


def _distinct(distinct: Floats) -> tuple[Floats, Lines | None]:
    """Give each value its own cell, which reaches half-way to the next: what float32 makes of a value is in its cell.

    Where all are whole and their range is short, the edges lie on a grid of halves.
    """
    gaps = np.diff(distinct) if len(distinct) > 1 else np.abs(distinct) * _LONE_GAP
    ends = distinct[0] - gaps[0] / 2, distinct[-1] + gaps[-1] / 2
    low, high = min(ends[0], distinct[0]), max(ends[1], np.nextafter(distinct[-1], np.inf))
    edges = np.concatenate(([low], _between(distinct[:-1], distinct[1:]), [high]))
    edges = edges[np.isfinite(edges)]
    whole = len(distinct) > 1 and high - low < GRID and np.abs(edges).max() < _HALVES_END
    if not whole or not np.array_equal(distinct, np.rint(distinct)):
        return edges, None
    lines = Lines(((edges - low) * 2).astype(np.intp), float(low), 2.0)
    return lines.starts(), lines


def _between(lower: Floats, upper: Floats) -> Floats:
    """Return the middle of each pair of rising values, above the lower one."""
    middle = lower / 2 + upper / 2
    edges: Floats = np.where((middle > lower) & (middle < upper), middle, upper)
    return edges


def _quantiles(ordered: Floats, distinct: Floats, low: float, high: float) -> tuple[Floats, Lines | None]:
    """Return edges under the quantiles, and over the heavy values that several quantiles fall on.

    They are snapped to a grid over the inner range, unless too many would coincide.
    """
    points = np.quantile(ordered, _SHARES, method="closest_observation")
    heavy = np.nextafter(points[1:][points[1:] == points[:-1]], np.inf)
    places = np.searchsorted(distinct, np.concatenate((points, heavy)))
    places = np.unique(places[(places > 0) & (places < len(distinct))])
    edges = _between(distinct[places - 1], distinct[places])
    scale = GRID / (high - low)
    if points[0] == points[-1] or not 0 < scale < np.inf:
        return edges, None
    inner = edges[(edges > low) & (edges < high)]
    found = np.unique(np.concatenate(([0], np.ceil((inner - low) * scale).astype(np.intp), [GRID])))
    if len(found) < _FINE_ENOUGH * len(edges):
        return edges, None
    lines = Lines(found, low, scale)
    return lines.starts(), lines


def _grid(lines: Lines | None, below: int) -> Grid | None:
    """Return the look-up table of the cells between the first line and the last; ``below`` edges come before."""
    if lines is None:
        return None
    table = np.zeros(lines.number[-1], dtype=np.int32)
    table[lines.number[:-1]] = 1
    return Grid(lines.origin, lines.scale, (np.cumsum(table) + below).astype(np.int32))


def _quantum(low: float, high: float) -> float:
    exponent = np.ceil(np.log2(high - low)) if 0 < high - low < np.inf else 0.0
    return float(2.0 ** max(exponent - 16, -1022))


def _centres(ordered: Floats, edges: Floats) -> Floats:
    """Return the mean reference value of each cell; the middle of an empty one, or its edge at the ends."""
    cells = np.searchsorted(edges, ordered, side="right")
    starts = np.concatenate(([edges[0]], edges))
    ends = np.concatenate((edges, [edges[-1]]))
    rows = np.bincount(cells, minlength=len(edges) + 1)
    after = np.cumsum(rows)
    first, last = ordered[np.minimum(after - rows, len(ordered) - 1)], ordered[np.maximum(after - 1, 0)]
    spread = np.bincount(cells, weights=ordered - first[cells], minlength=len(rows))
    mean = np.minimum(first + spread / np.maximum(rows, 1), last)
    centres: Floats = np.where(rows > 0, mean, starts / 2 + ends / 2)
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
