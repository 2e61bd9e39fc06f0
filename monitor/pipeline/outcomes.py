"""What a model answered, kept on disk until its targets are known, and joined with them by the record's id.

An answer is a row of the record's instant, id, version, prediction and scores. A window's answers are read back
when it is scored, and the targets looked up by id: memory holds neither. A replay keeps them in a directory of its
own, which goes with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
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


@dataclass(frozen=True, slots=True)
class Known:
    """The targets of n rows as JSON, ``None`` where none is known yet, when each was known, and of how many ids."""

    targets: list[str | None]
    at: list[Instant | None]
    ids: int = 0

    @property
    def count(self) -> int:
        """Return how many are known."""
        return sum(target is not None for target in self.targets)


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
        self.remembered = Remembered()

    def answers(self, version: str, start: Instant, end: Instant) -> pa.Table | None:
        """Return the answers of [start, end), in a defined order; ``None`` if there are none."""
        rows = self._parts(version, start, end)
        if len(rows) == 1:
            return rows[0]  # in order as it was cached
        return all_of(concat(rows)) if rows else None

    def hashes(self, version: str, start: Instant, end: Instant) -> Hashes:
        """Return the hashes of the ids of the answers of [start, end)."""
        parts = [np.asarray(part[HASH].to_numpy(), np.uint64) for part in self._parts(version, start, end)]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)

    def _parts(self, version: str, start: Instant, end: Instant) -> list[pa.Table]:
        named = [each for each in self._segments(version) if each.first_at < end and each.last_at >= start]
        parts = [_between(read, start, end) for read in map(self._read, named) if read is not None]
        return [part for part in parts if part.num_rows]

    def known(self, ids: Sequence[str | None], until: Instant) -> Known:
        """Return the targets of rows that are known at an instant of event time."""
        with self._state.read() as connection:
            found = load_dated_targets(connection, self._model, (id_ for id_ in ids if id_ is not None))
        found = {id_: pair for id_, pair in found.items() if pair[1] <= until}
        pairs = [None if id_ is None else found.get(id_) for id_ in ids]
        return Known([pair and pair[0] for pair in pairs], [pair and pair[1] for pair in pairs], len(found))

    def refresh(self) -> None:
        """Ask the state again which segments there are: some were written, joined or removed."""
        self._named = {}

    def _segments(self, version: str) -> list[Segment]:
        if version not in self._named:
            with self._state.read() as connection:
                self._named[version] = segments(connection, self._model, NEVER, FOREVER, version, OUTCOMES)
        return self._named[version]

    def _read(self, named: Segment) -> _Answers | None:
        found = self._cache.get(named.name)
        if found is None:
            table = read_segment(self._state.directory, named)
            if table is None:
                return None
            table = all_of(table)
            found = table, np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)
            self._cache[named.name] = found
        self._cache.move_to_end(named.name)
        while len(self._cache) > 1 and sum(len(times) for _, times in self._cache.values()) > _CACHED_ROWS:
            self._cache.popitem(last=False)
        return found


def _between(answers: _Answers, start: Instant, end: Instant) -> pa.Table:
    table, times = answers
    a, b = times.searchsorted((start, end)).tolist()
    return table.slice(a, b - a)
