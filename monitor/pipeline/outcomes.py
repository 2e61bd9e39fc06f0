"""What a model answered, kept on disk until its targets are known, and joined with them by the record's id.

An answer is a row of the record's instant, id, version, prediction and scores. A window's answers are read back
when it is scored, and the targets looked up by id: memory holds neither. A replay keeps them in a directory of its
own, which goes with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.instant import Instant
from monitor.pipeline.arrivals import Hashes
from monitor.pipeline.estimating import Remembered, estimate_names, with_estimates
from monitor.pipeline.intake import HASH, Intake
from monitor.pipeline.model import Model
from monitor.store.database import State
from monitor.store.rows import concat
from monitor.store.segment import OUTCOMES, Segment, read_segment, segments, write_segment
from monitor.store.target import load_dated_targets
from monitor.window import NEVER

FOREVER: Instant = 2**62
_Answers: TypeAlias = tuple[pa.Table, NDArray[np.int64]]
"""Answers in a defined order, and their instants."""
_CACHED_ROWS = 400_000
"""Answers of segments read last that stay in memory: some 20 MB. Windows are scored in the order of time."""
_NONE = np.zeros(0, np.uint64)


@dataclass(frozen=True, slots=True)
class Known:
    """Those k of a window's n answers whose targets are known: of most, nothing may be known for long.

    Attributes
    ----------
    rows: the k answers. ``places``: where each stands among the n, rising, (k,).
    targets: of each as JSON. ``at``: when it was known, 0 where it does not say, (k,).
    ids: of how many ids they are.
    """

    rows: pa.Table
    places: NDArray[np.intp]
    targets: list[str]
    at: NDArray[np.int64]
    ids: int = 0

    @property
    def count(self) -> int:
        """Return k."""
        return len(self.targets)

    def listed(self, rows: int) -> list[str | None]:
        """Return the target of each of the n rows, ``None`` where none is known."""
        found: list[str | None] = [None] * rows
        for place, target in zip(self.places.tolist(), self.targets, strict=True):
            found[place] = target
        return found

    def only(self, kept: NDArray[np.bool_]) -> Known:
        """Return some of them; ``kept``: (k,). They stand where they stood."""
        chosen = np.flatnonzero(kept)
        targets = [self.targets[place] for place in chosen.tolist()]
        return Known(self.rows.take(pa.array(chosen)), self.places[kept], targets, self.at[kept])


def keep_answers(directory: Path, model: Model, intake: Intake) -> Iterator[Segment]:
    """Write a batch's answers, and yield each segment written, one a version."""
    for version, tables in _by_version(intake).items():
        scorer = model.references.scorer(version)
        if scorer is None or not model.keeps_answers(version):
            continue
        table = with_estimates(scorer, concat(tables))
        names = ["timestamp", "id", "version", HASH, *scorer.answers.keys, *(watch.key for watch in scorer.watches)]
        names += [key for cut in scorer.cuts for key in cut.keys]
        names += estimate_names(table)
        table = table.select([name for name in dict.fromkeys(names) if name in table.column_names])
        first = min(pane for name, pane in intake.rows if name == version)
        yield write_segment(directory, model.plan.name, version, first, table.sort_by("timestamp"), OUTCOMES)


def _by_version(intake: Intake) -> dict[str, list[pa.Table]]:
    found: dict[str, list[pa.Table]] = {}
    for (version, _), table in sorted(intake.rows.items(), key=lambda item: item[0]):
        found.setdefault(version, []).append(table)
    return found


def all_of(table: pa.Table) -> pa.Table:
    """Return every answer by time, then hash: what merged segments keep."""
    return table.sort_by([("timestamp", "ascending"), (HASH, "ascending")])


class Outcomes:
    """Reads the answers of one model back, and joins them with their targets."""

    def __init__(self, state: State, model: str) -> None:
        self._state, self._model = state, model
        self._cache: OrderedDict[str, _Answers] = OrderedDict()
        self._named: dict[str, list[Segment]] = {}
        self._last: tuple[str, _Answers] | None = None
        self.remembered = Remembered()

    def answers(self, version: str, start: Instant, end: Instant) -> pa.Table | None:
        """Return the answers of [start, end), in a defined order; ``None`` if there are none."""
        rows = self._parts(version, start, end)
        if len(rows) == 1:
            return rows[0]  # in order as it was cached
        return all_of(concat(rows)) if rows else None

    def hashes(self, version: str, start: Instant, end: Instant) -> Hashes:
        """Return the hashes of the ids of the answers of [start, end)."""
        parts = [_between(read, start, end) for read in map(self._hashed, self._of(version, start, end)) if read]
        return np.concatenate([np.asarray(part[HASH].to_numpy(), np.uint64) for part in parts]) if parts else _NONE

    def _parts(self, version: str, start: Instant, end: Instant) -> list[pa.Table]:
        parts = [_between(read, start, end) for read in map(self._read, self._of(version, start, end)) if read]
        return [part for part in parts if part.num_rows]

    def _of(self, version: str, start: Instant, end: Instant) -> list[Segment]:
        return [each for each in self._segments(version) if each.first_at < end and each.last_at >= start]

    def known(self, rows: pa.Table, until: Instant) -> Known:
        """Return those of some answers whose targets are known at an instant of event time."""
        ids = rows["id"].cast(pa.string())
        with self._state.read() as connection:
            found = load_dated_targets(connection, self._model, ids.drop_null().to_pylist())
        found = {id_: pair for id_, pair in found.items() if pair[1] <= until}
        which = pc.index_in(ids, pa.array(found, pa.string()))
        places = np.flatnonzero(which.is_valid().to_numpy())
        codes = which.drop_null().to_pylist()
        pairs = list(found.values())
        whole = len(places) == rows.num_rows
        return Known(
            rows if whole else rows.take(pa.array(places)),
            places,
            [pairs[code][0] for code in codes],
            np.array([pairs[code][1] for code in codes], np.int64),
            len(found),
        )

    def refresh(self) -> None:
        """Ask the state again which segments there are: some were written, joined or removed."""
        self._named = {}

    def _segments(self, version: str) -> list[Segment]:
        if version not in self._named:
            with self._state.read() as connection:
                self._named[version] = segments(connection, self._model, NEVER, FOREVER, version, OUTCOMES)
        return self._named[version]

    def _hashed(self, named: Segment) -> _Answers | None:
        """Return the hashes of a segment's answers with their instants; of the last that was read it is known."""
        if named.name in self._cache:
            return self._read(named)
        if self._last is None or self._last[0] != named.name:
            table = read_segment(self._state.directory, named, {"timestamp", HASH})
            self._last = None if table is None else (named.name, _by_time(table))
        return None if self._last is None else self._last[1]

    def _read(self, named: Segment) -> _Answers | None:
        found = self._cache.get(named.name)
        if found is None:
            self._make_room(named.rows)
            table = read_segment(self._state.directory, named)
            if table is None:
                return None
            found = _timed(table if _in_order(table) else all_of(table))
            self._cache[named.name] = found
        self._cache.move_to_end(named.name)
        return found

    def _make_room(self, rows: int) -> None:
        """Let go of segments read before those read last: before another is read, so that both need not be held."""
        while self._cache and sum(len(times) for _, times in self._cache.values()) + rows > _CACHED_ROWS:
            self._cache.popitem(last=False)


def _in_order(table: pa.Table) -> bool:
    """Say whether a segment lies in the order of ``all_of``, as one that was merged does: to sort is to copy it."""
    times, hashes = (np.asarray(table[name].to_numpy()) for name in ("timestamp", HASH))
    later, same = times[1:] > times[:-1], times[1:] == times[:-1]
    return bool((later | (same & (hashes[1:] >= hashes[:-1]))).all())


def _by_time(table: pa.Table) -> _Answers:
    return _timed(table.sort_by("timestamp"))


def _timed(table: pa.Table) -> _Answers:
    return table, np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)


def _between(answers: _Answers, start: Instant, end: Instant) -> pa.Table:
    table, times = answers
    a, b = times.searchsorted((start, end)).tolist()
    return table.slice(a, b - a)
