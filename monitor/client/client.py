"""What a server calls: it costs microseconds, never waits, and never raises."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.client.lines import ID, ids, line_of, stamped, targeted
from monitor.client.sending import LOG, Outcome, Sender
from monitor.client.spool import Spool, role_of

RECORDS, TARGETS = "records", "targets"
Waiting = tuple[str, dict[str, Any] | Callable[[], Iterable[Mapping[str, Any]]]]
_MIB = 2**20
_MOST_WAITING = 10_000_000
_LOOK_SECONDS = 0.005
_STEP_SECONDS = 5.0
"""For each step of a request: to connect, to write, to be answered."""


@dataclass(slots=True)
class Counts:
    """What became of records and targets of this process.

    Attributes
    ----------
    sent: taken by Driftline. ``refused``: not taken by it, such as duplicates and what has no time.
    dropped: never sent, as too many waited, or the process ended. ``unreadable``: JSON cannot say them.
    spooled: lines that were put on the disk, to be sent later.
    """

    sent: int = 0
    refused: int = 0
    dropped: int = 0
    unreadable: int = 0
    spooled: int = 0


class Client:
    """Sends records and targets of one model in batches, from a thread of its own.

    What cannot be sent waits, in memory or in ``spool``, and is sent again with the same ids, which Driftline refuses
    as duplicates if it had them. A process that forks has a thread in each child that calls.

    Parameters
    ----------
    url: of Driftline, such as ``http://127.0.0.1:10464``. ``model``: its name in the config.
    batch: lines sent at once. ``every``: seconds after which fewer are.
    most_waiting: so many may wait in memory, ten millions at most; what comes then is dropped and counted.
    spool: a folder for batches that cannot be sent now; unset: they wait in memory. ``spool_bytes``: its bound.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        batch: int = 500,
        every: float = 1.0,
        most_waiting: int = 20_000,
        spool: str | os.PathLike[str] | None = None,
        spool_bytes: int = 256 * _MIB,
    ) -> None:
        self._address = f"{url.rstrip('/')}/api/v1/models/{model}"
        if not 1 <= most_waiting <= _MOST_WAITING:
            raise ValueError(f"most_waiting must be between 1 and {_MOST_WAITING}")
        self._batch, self._every, self._most = batch, every, most_waiting
        self._spool = None if spool is None else Spool(Path(spool), spool_bytes)
        self._begin()
        _CLIENTS.add(self)

    def _begin(self) -> None:
        self.counts = Counts()
        self._new_id = ids()
        self._waiting: deque[Waiting] = deque()
        self._room: deque[None] = deque([None]) * self._most
        """One for each record that may still wait: taken before it is put, so that threads share the bound exactly."""
        self._sending = False
        self._lock, self._full = threading.RLock(), threading.Event()  # a signal's handler may log, too
        self._stop_at: float | None = None
        self._thread: threading.Thread | None = None

    def record(self, record: Mapping[str, Any]) -> str | None:
        """Log an inference: a mapping as a line of a log holds it; ``request_id`` and ``timestamp`` are given if unset.

        It is copied, and the mappings in it; what lies deeper must not change until it was sent.

        Returns
        -------
        Its id, for its target; ``None`` where too many wait, or it is no mapping.
        """
        try:
            body = stamped(record, self._new_id)
        except Exception:  # noqa: BLE001 - the server goes on, whatever it was given
            self.counts.unreadable += 1
            return None
        return str(body[ID]) if self._put((RECORDS, body)) else None

    def target(self, request_id: str, target: Any) -> bool:
        """Say what was true of an inference; say whether that waits to be sent."""
        return self._put((TARGETS, targeted(request_id, target)))

    def later(self, make: Callable[[], Iterable[Mapping[str, Any]]]) -> bool:
        """Log what a function returns, which is called in the thread that sends."""
        return self._put((RECORDS, make))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all was sent or spooled; say whether it was, in so many seconds."""
        end = time.monotonic() + timeout
        self._full.set()
        while self._waiting or self._sending:
            if time.monotonic() >= end:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Send what waits, for so many seconds; the rest is spooled, or dropped where there is no spool."""
        thread = self._thread
        if thread is not None and self._stop_at is None:
            self._stop_at = time.monotonic() + timeout
            self._full.set()
            thread.join(timeout + _STEP_SECONDS)
            while not thread.is_alive() and self._waiting:  # was put while the thread ended
                self._take()
                self._drop(1)

    def _put(self, waiting: Waiting) -> bool:
        if self._stop_at is not None:
            return self._drop(1)
        try:
            self._room.pop()
        except IndexError:
            return self._drop(1)
        self._waiting.append(waiting)
        if self._thread is None:
            self._start()
        if len(self._waiting) >= self._batch and not self._full.is_set():
            self._full.set()
        return True

    def _take(self) -> Waiting:
        found = self._waiting.popleft()
        self._room.append(None)
        return found

    def _drop(self, number: int) -> bool:
        with self._lock:
            self.counts.dropped += number
        return False

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="driftline-client", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        sender = Sender(self._address, _STEP_SECONDS)
        while True:
            if self._stop_at is None and len(self._waiting) < self._batch:
                self._full.wait(self._every)
            self._full.clear()
            ends, self._sending = self._stop_at is not None, True  # asked first: what was put before the end is sent
            try:
                self._send_all(sender)
            except Exception:  # noqa: BLE001 - a batch is lost, not the thread
                LOG.exception("driftline's client failed")
            self._sending = False
            if ends:
                sender.close()
                return

    def _send_all(self, sender: Sender) -> None:
        """Send what is spooled, then what waits; on trouble spool or wait."""
        pause = self._send_spooled(sender)
        while self._waiting:
            for role, lines in self._next_batch().items():
                if pause is not None and self._keep(role, lines):
                    continue
                pause = self._send(sender, role, lines)
        self._sending = False
        if pause is not None:
            self._sleep(pause)

    def _send(self, sender: Sender, role: str, lines: list[bytes]) -> float | None:
        """Send a batch until it is answered, spooled or dropped; return the pause that was asked for, if any."""
        body = b"".join(lines)
        while True:
            outcome = sender.send(role, body)
            if outcome.pause is None:
                self._count(outcome)
                return None
            if self._keep(role, lines):
                return outcome.pause
            if not self._sleep(outcome.pause):
                self._drop(len(lines))
                return outcome.pause

    def _send_spooled(self, sender: Sender) -> float | None:
        for path in self._spool.batches() if self._spool is not None else ():
            try:
                body = path.read_bytes()
            except FileNotFoundError:
                continue  # another process had it
            outcome = sender.send(role_of(path), body)
            if outcome.pause is not None:
                return outcome.pause
            path.unlink(missing_ok=True)
            self._count(outcome)
        return None

    def _next_batch(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {RECORDS: [], TARGETS: []}
        for _ in range(min(len(self._waiting), self._batch)):
            role, made = self._take()
            found[role] += self._lines([made] if isinstance(made, dict) else made)
        return {role: lines for role, lines in found.items() if lines}

    def _lines(self, made: Iterable[Mapping[str, Any]] | Callable[[], Iterable[Mapping[str, Any]]]) -> list[bytes]:
        try:
            bodies = [stamped(body, self._new_id) for body in made()] if callable(made) else made
            return [line_of(body) for body in bodies]
        except Exception:  # noqa: BLE001 - as above
            self.counts.unreadable += 1
            return []

    def _keep(self, role: str, lines: list[bytes]) -> bool:
        if self._spool is None or not self._spool.put(role, b"".join(lines)):
            return False
        self.counts.spooled += len(lines)
        return True

    def _count(self, outcome: Outcome) -> None:
        self.counts.sent += outcome.accepted
        self.counts.refused += outcome.refused

    def _sleep(self, pause: float) -> bool:
        """Wait, but not beyond the end; say whether there is time left."""
        end = time.monotonic() + pause
        while (now := time.monotonic()) < end:
            if self._stop_at is not None and now >= self._stop_at:
                return False
            time.sleep(min(end - now, 0.05))
        return self._stop_at is None or end < self._stop_at


_CLIENTS: weakref.WeakSet[Client] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_CLIENTS):
        client._begin()  # noqa: SLF001 - its own module


@atexit.register
def _at_exit() -> None:
    for client in list(_CLIENTS):
        client.close()


os.register_at_fork(after_in_child=_after_fork)
