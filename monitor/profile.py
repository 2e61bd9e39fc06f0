"""What is kept of the rows of a pane: integers only, so that profiles add up exactly, in any order.

A profile holds, for every column: a count for each cell of its frozen bins, how many values were missing or
not finite, the sum and the sum of squares of its values in whole quanta, and their extremes. A window's
profile is the sum of its panes'; floats appear only when a figure is read out, always in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bins import Bins, CategoryBins, Floats, NumericBins
from monitor.kinds import without_nan
from monitor.latency import BINS, latency_bins
from monitor.record import Column, Kind
from monitor.repeats import Repeats, repeats_by_pane
from monitor.tally import Mask, Tally, floats
from monitor.usage import Usage, usage_rows

Integers = NDArray[np.int64]

_FINE_LIMIT = 2.0**36
"""Sums are taken of quanta cut off here, 2**20 inner ranges away from the reference: 2**27 such rows stay exact."""
_COARSE = 2.0**-8
_COARSE_LIMIT = 2.0**18
"""Squares are taken of 256 quanta, cut off 1,024 inner ranges away: 2**27 such rows stay exact."""
_EXACT_ROWS = 2**17
"""Of so many such rows a float64 holds sums and squares exactly, in any order."""
_ROWS_A_PANE = 2048  # of more rows on average, in order, panes are counted one by one


@dataclass(frozen=True, slots=True)
class ColumnBins:
    """A column with its frozen bins; ``None`` where only missing values are counted."""

    column: Column
    bins: Bins | None

    @property
    def size(self) -> int:
        """Return the number of cells."""
        return self.bins.size if self.bins is not None else 0


@dataclass(frozen=True, slots=True)
class Binning:
    """The bins of all columns of a model, laid out one after the other; and what is tallied of its rows beside."""

    columns: tuple[ColumnBins, ...]
    tallies: tuple[Tally, ...] = ()
    offsets: tuple[int, ...] = field(init=False)
    """Where each column's cells start, and the end of all, length columns + 1."""

    def __post_init__(self) -> None:
        offsets = (0, *np.cumsum([column.size for column in self.columns]).tolist())
        object.__setattr__(self, "offsets", tuple(offsets))

    def spans(self) -> Iterable[tuple[ColumnBins, slice]]:
        """Yield each column with its stretch of the cells."""
        return zip(self.columns, (slice(a, b) for a, b in pairwise(self.offsets)), strict=True)


@dataclass(frozen=True, slots=True)
class Profile:
    """The counts of a pane, a window or a reference. C is all cells of all columns, F the columns, T the tallies.

    Attributes
    ----------
    rows: records.
    counts: rows in each cell, int64 (C,).
    missing: null values, int64 (F,).
    nonfinite: NaN and infinities, int64 (F,); they stand in no cell.
    sums, squares: of whole quanta, and of their 256-fold coarser squares, int64 (F,).
    least, greatest: extremes of finite values, float64 (F,); +inf and -inf where there is none.
    latency: rows in each latency bin, int64 (BINS,).
    tallies: rows that break each tally's rule, int64 (T,). ``tallied``: of how many rows; fewer than all where panes
        come from a time with other tallies.
    ids: a sample of the records' ids.
    usage: errors and resources.
    """

    rows: int
    counts: Integers = field(repr=False)
    missing: Integers = field(repr=False)
    nonfinite: Integers = field(repr=False)
    sums: Integers = field(repr=False)
    squares: Integers = field(repr=False)
    least: Floats = field(repr=False)
    greatest: Floats = field(repr=False)
    latency: Integers = field(repr=False)
    tallies: Integers = field(repr=False)
    tallied: int
    ids: Repeats = field(default_factory=Repeats)
    usage: Usage = field(default_factory=Usage, repr=False)

    @property
    def absent(self) -> Integers:
        """Rows of each column without a value to compare: null, NaN or infinite, int64 (F,)."""
        absent: Integers = self.missing + self.nonfinite
        return absent

    def __add__(self, other: Profile) -> Profile:
        return Profile(
            self.rows + other.rows,
            self.counts + other.counts,
            self.missing + other.missing,
            self.nonfinite + other.nonfinite,
            self.sums + other.sums,
            self.squares + other.squares,
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
            self.latency + other.latency,
            self.tallies + other.tallies,
            self.tallied + other.tallied,
            self.ids + other.ids,
            self.usage + other.usage,
        )


def empty_profile(binning: Binning) -> Profile:
    """Return the profile of no rows."""
    return _stacked(binning, 1)[0]


def _stacked(binning: Binning, panes: int) -> list[Profile]:
    cells, columns = binning.offsets[-1], len(binning.columns)
    counts, latency = np.zeros((panes, cells), np.int64), np.zeros((panes, BINS), np.int64)
    sums, tallies = np.zeros((4, panes, columns), np.int64), np.zeros((panes, len(binning.tallies)), np.int64)
    ends = np.full((panes, columns), np.inf), np.full((panes, columns), -np.inf)
    stacked = zip(counts, *sums, *ends, latency, tallies, [0] * panes, strict=True)
    return [Profile(0, *arrays) for arrays in stacked]


def profile_rows(table: pa.Table, binning: Binning, panes: NDArray[np.intp], number: int) -> list[Profile]:
    """Profile rows by pane.

    Parameters
    ----------
    table: the columns of the binning by key, perhaps ``latency`` in seconds and what :func:`usage_rows` counts;
        n rows.
    panes: the pane of each row, 0 to number - 1, shape (n,).

    Returns
    -------
    One profile a pane. The same rows give the same profiles in whatever order or cut they come.
    """
    rows = np.bincount(panes, minlength=number)
    if number > 1 and len(panes) >= number * _ROWS_A_PANE and (panes[1:] >= panes[:-1]).all():
        parts, one = zip((np.cumsum(rows) - rows).tolist(), rows.tolist(), strict=True), np.zeros_like(panes)
        return [profile_rows(table.slice(first, n), binning, one[:n], 1)[0] for first, n in parts]
    stack = _stacked(binning, number)
    for place, (watched, span) in enumerate(binning.spans()):
        array = table.column(watched.column.key).combine_chunks()
        match watched.bins:
            case NumericBins() as bins:
                _count_numbers(stack, place, span, bins, array, panes)
            case CategoryBins() as bins:
                _count_categories(stack, place, span, bins, array, panes)
            case None:
                _count_missing(stack, place, array, panes)
    if "latency" in table.column_names:
        _count_latency(stack, table.column("latency").combine_chunks(), panes)
    for place, tally in enumerate(binning.tallies):
        _count_broken(stack, place, tally.broken(table), panes)
    ids = repeats_by_pane(table, panes, number)
    usages = usage_rows(table, panes, number)
    return [
        replace(profile, rows=int(n), tallied=int(n), ids=sample, usage=used)
        for profile, n, sample, used in zip(stack, rows, ids, usages, strict=True)
    ]


def nulls(array: pa.Array) -> NDArray[np.bool_]:
    """Return which values are missing, shape (n,)."""
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _count_missing(stack: Sequence[Profile], place: int, array: pa.Array, panes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Count the nulls of a column, and return which rows have a value."""
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    null = nulls(array)
    for profile, missing in zip(stack, np.bincount(panes[null], minlength=len(stack)), strict=True):
        profile.missing[place] = missing
    return ~null


def _count_numbers(
    stack: Sequence[Profile], place: int, span: slice, bins: NumericBins, array: pa.Array, panes: NDArray[np.intp]
) -> None:
    present = _count_missing(stack, place, array, panes)
    values = numbers(array)
    finite = np.isfinite(values)
    if not finite.all():
        for profile, odd in zip(stack, np.bincount(panes[present & ~finite], minlength=len(stack)), strict=True):
            profile.nonfinite[place] = odd
        values, panes = values[finite], panes[finite]
    if len(stack) == 1 and 0 < len(values) <= _EXACT_ROWS:
        _count_pane(stack[0], place, span, bins, values)
        return
    cells = np.bincount(panes * bins.size + bins.cells(values), minlength=len(stack) * bins.size)
    with np.errstate(over="ignore"):
        quanta = np.clip((values - bins.origin) / bins.quantum, -_FINE_LIMIT, _FINE_LIMIT)
    coarse = np.rint(np.clip(quanta * _COARSE, -_COARSE_LIMIT, _COARSE_LIMIT)).astype(np.int64)
    sums, squares = np.zeros((2, len(stack)), np.int64)
    np.add.at(sums, panes, np.rint(quanta).astype(np.int64))
    np.add.at(squares, panes, coarse * coarse)
    least, greatest = np.full(len(stack), np.inf), np.full(len(stack), -np.inf)
    np.minimum.at(least, panes, values)
    np.maximum.at(greatest, panes, values)
    for p, profile in enumerate(stack):
        profile.counts[span] = cells[p * bins.size : (p + 1) * bins.size]
        profile.sums[place], profile.squares[place] = sums[p], squares[p]
        profile.least[place], profile.greatest[place] = least[p], greatest[p]


def _count_pane(profile: Profile, place: int, span: slice, bins: NumericBins, values: Floats) -> None:
    """Count finite numbers of one pane: quicker, and exactly the same."""
    profile.counts[span] = np.bincount(bins.cells(values), minlength=bins.size)
    with np.errstate(over="ignore"):
        quanta = values - bins.origin
        quanta *= 1 / bins.quantum  # exact, as it is a power of two
    np.clip(quanta, -_FINE_LIMIT, _FINE_LIMIT, out=quanta)
    coarse = quanta * _COARSE
    np.clip(coarse, -_COARSE_LIMIT, _COARSE_LIMIT, out=coarse)
    np.rint(coarse, out=coarse)
    profile.sums[place] = int(np.rint(quanta, out=quanta).sum())
    profile.squares[place] = int(np.einsum("i,i", coarse, coarse))  # unlike dot, in this thread
    profile.least[place], profile.greatest[place] = values.min(), values.max()


def numbers(array: pa.Array) -> Floats:
    """Return a column as floats, the length of texts; NaN stands where there is no value."""
    return floats(pa.chunked_array([array]))


def _count_categories(
    stack: Sequence[Profile], place: int, span: slice, bins: CategoryBins, array: pa.Array, panes: NDArray[np.intp]
) -> None:
    array = without_nan(array)
    present = _count_missing(stack, place, array, panes)
    if len(stack) == 1:
        coded = array.dictionary_encode()
        rows = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(coded.dictionary))
        np.add.at(stack[0].counts[span], bins.cells(texts(coded.dictionary)), rows)
        return
    cells = category_cells(bins, array)[present]
    counts = np.bincount(panes[present] * bins.size + cells, minlength=len(stack) * bins.size)
    for p, profile in enumerate(stack):
        profile.counts[span] = counts[p * bins.size : (p + 1) * bins.size]


def category_cells(bins: CategoryBins, array: pa.Array) -> NDArray[np.intp]:
    """Return the cell of each value, shape (n,); cell 0 where there is none."""
    coded = array.dictionary_encode()
    cells = bins.cells(texts(coded.dictionary))
    codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return cells[codes] if len(cells) else np.zeros(len(array), np.intp)


def texts(values: pa.Array) -> list[str]:
    """Return categories as text; whole numbers without a point, booleans in lower case.

    >>> texts(pa.array([1.0, 2.5])), texts(pa.array([True]))
    (['1', '2.5'], ['true'])
    """
    if pa.types.is_boolean(values.type):
        return ["true" if value else "false" for value in values.to_pylist()]
    if pa.types.is_floating(values.type):
        return [f"{x + 0.0:.0f}" if x == np.rint(x) and abs(x) < 2**53 else repr(x) for x in values.to_pylist()]
    return [str(value) for value in values.to_pylist()]


def _count_latency(stack: Sequence[Profile], array: pa.Array, panes: NDArray[np.intp]) -> None:
    known = ~nulls(array)
    bins = latency_bins(numbers(array)[known])
    counts = np.bincount(panes[known] * BINS + bins, minlength=len(stack) * BINS)
    for p, profile in enumerate(stack):
        profile.latency[:] = counts[p * BINS : (p + 1) * BINS]


def _count_broken(stack: Sequence[Profile], place: int, broken: Mask | None, panes: NDArray[np.intp]) -> None:
    if broken is None or not broken.any():
        return
    for profile, number in zip(stack, np.bincount(panes[broken], minlength=len(stack)), strict=True):
        profile.tallies[place] = number


def watchable(kind: Kind) -> bool:
    """Say whether a column of this kind has cells; of others only missing values are counted."""
    return kind not in (Kind.IDENTIFIER, Kind.DATETIME, Kind.VECTOR)
