"""What a running daemon is made of, as its parts see it: shared, and changed only by the daemon itself."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from monitor.app.spools import Spools
from monitor.app.worker import Worker
from monitor.config import Loaded
from monitor.dispatch import Dispatcher
from monitor.instant import Instant
from monitor.sources.http import KEY
from monitor.store.audit import Head
from monitor.store.database import State
from monitor.telemetry import Telemetry
from monitor.workers import Workers


@dataclass(slots=True)
class Running:
    """The parts of a daemon.

    Attributes
    ----------
    key: action tokens are made with it.
    children: start the child processes of all models.
    ticked: when the supervisor last showed that it lives, on the monotonic clock.
    reload_error: why the last reload was refused.
    audited: the end of the audit that was told last.
    outcomes: of deliveries since this process began, by receiver.
    callbacks_refused: words of jobs that were refused since this process began, by reason.
    """

    loaded: Loaded
    state: State
    telemetry: Telemetry
    clock: Callable[[], Instant]
    key: bytes
    spools: Spools = field(init=False)
    workers: dict[str, Worker] = field(default_factory=dict)
    children: Workers = field(default_factory=Workers)
    dispatcher: Dispatcher = field(default_factory=lambda: Dispatcher([]))
    started: bool = False
    stopping: bool = False
    ticked: float = field(default_factory=time.monotonic)
    reload_error: str | None = None
    audited: Head = field(default_factory=Head)
    outcomes: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    callbacks_refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start what writes down what is sent."""
        self.spools = Spools(self.state, self._reached)

    def _reached(self, model: str, role: str) -> int | None:
        """Return up to where a model's spool has been read for good; ``None`` if no worker knows."""
        worker = self.workers.get(model)
        position = worker.pipeline.positions.get(role, {}).get(KEY) if worker is not None else None
        return None if position is None else position.offset

    def unsettle(self) -> None:
        """Let no action be started by the next window of any model: the wall clock has jumped."""
        structlog.get_logger(__name__).warning("clock_jumped")
        for worker in self.workers.values():
            worker.pipeline.model.unsettle()

    def stop_work(self) -> None:
        """Take no new work; a cycle that waits for a child ends, and its close is made again after a start."""
        self.stopping = True
        self.children.stop()
