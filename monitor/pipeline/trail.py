"""The rows that are held of the last stretch of a stream, from which a reference is made, and made anew.

Of each step those with the smallest sampling hashes are held, bounded in number and text: which these are depends on
the step's rows alone, in whatever order and batches they come. What is of a closed step is packed. Rows from the
instant ``due`` on are all held and not counted yet, as the reference that they are to be compared with may be made
anew by the close at that instant; that close lets them be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.instant import Instant
from monitor.pipeline.gathering import (
    HASHED,
    MOST_CHUNKS,
    ORDER,
    SCHEMA,
    are_sampled,
    from_bytes,
    instants,
    text_lengths,
    to_bytes,
)
from monitor.record import WHOLE
from monitor.trailing import Trailing

_BY_HASH = [(HASHED, "ascending"), ("timestamp", "ascending"), (WHOLE, "ascending")]
_THIN_AT = 4
"""Rows of open steps are thinned once there are so many times as many as are to be held of one."""


@dataclass(slots=True)
class Trail:
    """The rows held of one version.

    Attributes
    ----------
    due: from here on rows wait for a close; it is the end of a window.
    rows: of the steps that are open. ``pieces``: the names under which the store holds them.
    closed: what is held of each closed step that has some, packed, by its start.
    since: the start of the first step of those held in one go; ``None`` before there is one.
    tried: when rows last gave no reference that can be used.
    why: why the reference was not made when it was due; ``None`` where it was, or is not due.
    """

    plan: Trailing
    due: Instant
    rows: pa.Table = field(default_factory=SCHEMA.empty_table)
    pieces: list[str] = field(default_factory=list)
    closed: dict[Instant, bytes] = field(default_factory=dict)
    since: Instant | None = None
    tried: Instant | None = None
    why: str | None = None
    _edges: dict[Instant, int] = field(default_factory=dict)
    """The largest hash that may still be held of an open step, where some went."""

    @property
    def first(self) -> int:
        """Return how many rows of open steps are sampled."""
        return int(np.count_nonzero(are_sampled(self.rows)))

    def add(self, rows: pa.Table) -> pa.Table:
        """Hold more rows; return those of them that may be held on."""
        rows = self._below_edges(rows)
        held = pa.concat_tables([self.rows, rows])
        self.rows = held.combine_chunks() if held["timestamp"].num_chunks > MOST_CHUNKS else held
        if np.count_nonzero(instants(self.rows) < self.due) > _THIN_AT * self.plan.rows_a_step:
            self._thin()
        return rows

    def between(self, start: Instant, end: Instant) -> pa.Table:
        """Return the rows of open steps of [start, end)."""
        times = instants(self.rows)
        return self.rows.filter(pa.array((times >= start) & (times < end)))

    def settle(self, end: Instant) -> dict[Instant, bytes]:
        """Pack what is held of the steps that end by an instant, and return it."""
        times = instants(self.rows)
        done = self.rows.filter(pa.array((times < end) & are_sampled(self.rows)))
        settled = {start: to_bytes(part) for start, part in self._thinned(done).items() if part.num_rows}
        if settled and self.since is None:
            self.since = min(settled)
        self.rows = self.rows.filter(pa.array(times >= end)).combine_chunks()
        self._edges = {start: edge for start, edge in self._edges.items() if start >= end}
        self.closed |= settled
        return settled

    def forget(self, first: Instant, until: Instant) -> list[Instant]:
        """Hold no closed step that starts in [first, until) any more; return those that went."""
        gone = [at for at in self.closed if first <= at < until]
        for at in gone:
            del self.closed[at]
        return gone

    def chosen(self) -> pa.Table:
        """Return the rows that a reference is made of, in order of time."""
        return from_bytes([self.closed[at] for at in sorted(self.closed)]).sort_by(ORDER).combine_chunks()

    def _below_edges(self, rows: pa.Table) -> pa.Table:
        """Leave out rows of open steps of which enough with smaller hashes are held, or that are not sampled."""
        times = instants(rows)
        starts = times // self.plan.step * self.plan.step
        hashes = np.asarray(rows[HASHED].to_numpy(), dtype=np.uint64)
        wanted = are_sampled(rows) | (times >= self.due)
        for start, edge in self._edges.items():
            wanted &= (starts != start) | (times >= self.due) | (hashes <= np.uint64(edge))
        return rows.filter(pa.array(wanted))

    def _thin(self) -> None:
        """Hold of each open step, as far as it is not to wait, only what is wanted of it."""
        times = instants(self.rows)
        open_rows = self.rows.filter(pa.array((times < self.due) & are_sampled(self.rows)))
        parts = self._thinned(open_rows)
        starts = instants(open_rows) // self.plan.step * self.plan.step
        for start, part in parts.items():
            if part.num_rows < np.count_nonzero(starts == start):
                self._edges[start] = int(np.asarray(part[HASHED].to_numpy(), dtype=np.uint64).max())
        waiting = self.rows.filter(pa.array(times >= self.due))
        self.rows = pa.concat_tables([*parts.values(), waiting]).combine_chunks()

    def _thinned(self, rows: pa.Table) -> dict[Instant, pa.Table]:
        """Return of each step, given its sampled rows, those that are held of it: with the smallest hashes."""
        starts = instants(rows) // self.plan.step * self.plan.step
        return {int(at): self._lowest(rows.filter(pa.array(starts == at))) for at in np.unique(starts)}

    def _lowest(self, rows: pa.Table) -> pa.Table:
        ordered = rows.sort_by(_BY_HASH)
        lengths = text_lengths(ordered)
        fits: NDArray[np.bool_] = np.cumsum(lengths) <= self.plan.bytes_a_step
        fits[self.plan.rows_a_step :] = False
        fits[:1] = True
        return ordered.filter(pa.array(fits)).combine_chunks()
