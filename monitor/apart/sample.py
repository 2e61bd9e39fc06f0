"""The rows of a step that a child is given: those of the smallest hashes, whichever order they come in.

Of each step that is not over yet at most so many rows are held, twice as many for a moment. Which they are follows
from the rows alone: the hash that also samples them, then their instant, then their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.apart.values import values_of, whole
from monitor.instant import Instant
from monitor.record import Column, Kind
from monitor.window import NEVER

_AT, _HASH = "driftline_at", "driftline_hash"
_NONE_YET = 2**64 - 1


@dataclass(slots=True)
class _Step:
    rows: pa.Table
    bound: int = _NONE_YET
    """No row of a larger hash can be among the smallest any more."""


@dataclass(slots=True)
class Sample:
    """The rows held of the steps of one version.

    Attributes
    ----------
    every: length of a step in microseconds. ``most``: rows of a step.
    done: the steps before this one are over: their rows came too late.
    pieces: the names under which the store holds them. ``reduced``: it holds rows of steps that are over.
    values: how the values of a column of a kind are held.
    """

    every: Instant
    most: int
    columns: tuple[Column, ...]
    done: int | None = None
    pieces: list[str] = field(default_factory=list)
    reduced: bool = False
    values: Callable[[Kind, pa.Array], pa.Array] = values_of
    _steps: dict[int, _Step] = field(default_factory=dict)

    def take(self, table: pa.Table, times: NDArray[np.int64], hashes: NDArray[np.uint64]) -> pa.Table:
        """Hold canonical rows that may be among the smallest of their step, and return those that are held."""
        wanted = np.ones(len(times), np.bool_)
        numbers = times // self.every
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            if self.done is not None and number < self.done:
                wanted[mine] = False
            elif number in self._steps:
                wanted[mine] = hashes[mine] <= self._steps[number].bound
        chosen = pa.array(wanted)
        part = table.filter(chosen)
        arrays = {_AT: pa.array(times[wanted], pa.int64()), _HASH: pa.array(hashes[wanted], pa.uint64())}
        arrays |= {each.key: self.values(each.kind, whole(part[each.key])) for each in self.columns}
        rows = pa.table(arrays)
        self.hold(rows)
        return rows

    def hold(self, rows: pa.Table) -> None:
        """Hold rows that were taken before, too."""
        numbers = np.asarray(rows[_AT].to_numpy(), np.int64) // self.every
        for number in np.unique(numbers).tolist():
            mine = rows.filter(pa.array(numbers == number)) if len(np.unique(numbers)) > 1 else rows
            step = self._steps.setdefault(number, _Step(mine.slice(0, 0)))
            step.rows = pa.concat_tables([step.rows, mine])
            if step.rows.num_rows > 2 * self.most:
                step.rows = self._smallest(step.rows)
                step.bound = step.rows[_HASH][-1].as_py()

    def finished(self, end: Instant) -> Iterable[tuple[int, pa.Table]]:
        """Return the steps that are over at an instant, oldest first, with the values of their rows; hold them no more.

        Their number, and at most ``most`` rows in an order of their own.
        """
        found = self.between(NEVER, end)
        self.let_go(end)
        return found

    def between(self, start: Instant, end: Instant) -> list[tuple[int, pa.Table]]:
        """Return the steps that lie in a stretch, as :meth:`finished` does, and go on holding them."""
        inside = sorted(n for n in self._steps if start <= n * self.every and (n + 1) * self.every <= end)
        keys = [each.key for each in self.columns]
        return [(number, self._smallest(self._steps[number].rows).select(keys)) for number in inside]

    def let_go(self, end: Instant) -> None:
        """Hold no more the steps that are over at an instant, and none of their rows that come yet."""
        over = [number for number in self._steps if (number + 1) * self.every <= end]
        for number in over:
            del self._steps[number]
        self.reduced = self.reduced or bool(over)
        before = end // self.every
        self.done = before if self.done is None else max(before, self.done)

    def since(self, at: Instant, other: Sample) -> Sample:
        """Return another, empty one with the rows held from an instant on, to be stored in place of this one."""
        other.pieces, other.reduced = self.pieces, True
        rows = self.rows
        if rows is not None:
            other.hold(rows.filter(pa.array(np.asarray(rows[_AT].to_numpy(), np.int64) >= at)))
        return other

    @property
    def rows(self) -> pa.Table | None:
        """Return all rows that are held, or ``None``."""
        held = [self._smallest(self._steps[number].rows) for number in sorted(self._steps)]
        return pa.concat_tables(held).combine_chunks() if held else None

    def _smallest(self, rows: pa.Table) -> pa.Table:
        keys = [_HASH, _AT, *(each.key for each in self.columns)]
        return rows.sort_by([(key, "ascending") for key in keys]).slice(0, self.most).combine_chunks()
