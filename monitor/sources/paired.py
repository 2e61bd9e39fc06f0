"""A log in which requests and responses stand apart, as a source of records: halves wait, also over a restart.

What waits is kept in the position of whatever was read last, so that it is kept in the same transaction as the records
that were made: nothing is lost, and nothing is told twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.instant import Instant
from monitor.record import WHOLE, Layout, Rejected
from monitor.sources.batch import Batch
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import split
from monitor.sources.formats.event import from_line, to_line
from monitor.sources.pairing import EventSettings, Made, Pairing
from monitor.sources.position import Position
from monitor.sources.source import Source

HALVES = Layout("timestamp", (), whole=True)
"""What is taken of a log of halves: all of each."""
_EVER: Instant = 2**62
_NEVER: Instant = -(2**63)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What waits after a batch: the how manieth, under which key its position is kept, and as what."""

    turn: int = 0
    key: str | None = None
    text: str | None = None


class PairedSource:
    """Reads halves from another source and pairs them.

    Parameters
    ----------
    halves: gives events, as lines in the column of whole records.
    layout: what to take from each record that is made.
    at_rest: nobody writes any more: at the end nothing is waited for.
    clock: now, by this machine's clock: only what waits for nothing that was read is given up by it.
    """

    def __init__(
        self,
        halves: Source,
        layout: Layout,
        settings: EventSettings,
        *,
        at_rest: bool = False,
        clock: Callable[[], Instant] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._halves, self._layout, self._settings = halves, layout, settings
        self._clock: Callable[[], Instant] = (lambda: _EVER) if at_rest else clock
        self._pairing = Pairing(settings)
        self._now, self._kept = _NEVER, _Kept()

    def close(self) -> None:
        """Give back what is open."""
        self._halves.close()

    def matches(self) -> list[Path]:
        """Return the files that it is read from."""
        return self._halves.matches()

    def problem(self) -> str | None:
        """Say why it cannot be read now; ``None`` if all is well."""
        return self._halves.problem()

    @property
    def away(self) -> bool:
        """Say whether there may be halves that cannot be had now."""
        return bool(getattr(self._halves, "away", False))

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read the next halves, and return the records that they complete."""
        last = positions.get(self._kept.key) if self._kept.key is not None else None
        if last is None or last.paired != self._kept.text:
            self._recover(positions)
        batch = self._halves.read({key: replace(position, paired=None) for key, position in positions.items()})
        made = Made()
        if batch is None:
            return self._given_up(positions, made)
        lines: list[str] = batch.table[WHOLE].to_pylist()
        times: list[Instant] = batch.table["timestamp"].to_pylist()
        for line, at in zip(lines, times, strict=True):
            self._pairing.take(from_line(line.encode()), at, 0, made, self._now)
        self._now = max(self._now, _reached(batch))
        self._pairing.expire(self._now, made)
        return self._batch(batch, made)

    def _given_up(self, positions: Mapping[str, Position], made: Made) -> Batch | None:
        """Return what has waited too long by the clock, once all that lies there is read."""
        self._pairing.expire(self._clock(), made)
        at = positions.get(self._kept.key) if self._kept.key is not None else None
        if at is None or self._kept.key is None or not (made.lines or made.refused):
            return None
        nothing = jsonl.decode(split(at.path, b""), self._layout).table
        return self._batch(Batch(self._kept.key, at.path, nothing, at), made)

    def _batch(self, batch: Batch, made: Made) -> Batch:
        decoded = jsonl.decode(split(batch.path, b"".join(made.lines)), self._layout)
        refused = [Rejected(reason, batch.path, 0, "half of a call") for reason, _ in made.refused]
        waiting = self._pairing.waiting
        oldest = min((half.at for half in waiting), default=None)
        turn = self._kept.turn + 1
        halves = [[half.at, to_line(half.event).decode()] for half in waiting]
        self._kept = _Kept(turn, batch.file, json.dumps([turn, self._now, halves], separators=(",", ":")))
        return replace(
            batch,
            table=decoded.table,
            position=replace(batch.position, paired=self._kept.text),
            rejected=(*batch.rejected, *decoded.rejected, *refused),
            mismatched=decoded.mismatched,
            hold=min((each for each in (batch.hold, oldest) if each is not None), default=None),
        )

    def _recover(self, positions: Mapping[str, Position]) -> None:
        """Hold again what waited after the last batch that was kept."""
        self._pairing, self._now, self._kept = Pairing(self._settings), _NEVER, _Kept()
        for key, position in positions.items():
            if position.paired is None:
                continue
            turn, now, halves = json.loads(position.paired)
            if turn > self._kept.turn:
                self._now, self._kept = now, _Kept(turn, key, position.paired)
                self._pairing = Pairing(self._settings)
                for at, line in halves:
                    self._pairing.hold(from_line(line.encode()), at, 0)


def _reached(batch: Batch) -> Instant:
    """Return the event time that all files have reached."""
    newest = _NEVER if batch.position.newest is None else batch.position.newest
    return newest if batch.hold is None else min(newest, batch.hold)
