"""A daemon that moves only when told, with event time as its clock: page, metrics, outbox and callbacks are real."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.app.daemon import Daemon
from monitor.config import load_config
from monitor.errors import FatalError
from monitor.instant import Instant
from monitor.store.counts import load_counts
from monitor.store.delivery import list_deliveries
from monitor.store.window import last_performances

Body = Mapping[str, Any]
_ALL = 1000
_PUBLISH_SECONDS = 0.5


class SteppedDaemon:
    """What the demo drives.

    Raises
    ------
    ConfigError, FatalError: as the daemon.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.daemon = Daemon(load_config(path, environment), environment, event_clock=True)
        self.daemon.start()
        self._published = time.monotonic()

    @property
    def page(self) -> str:
        """Return the address of the web page."""
        return f"{self.daemon.url}/"

    @property
    def metrics(self) -> str:
        """Return the address of ``/metrics``."""
        return f"{self.daemon.url}/metrics"

    def advance(self, until: Instant) -> Sequence[Body]:
        """Read all that is logged and close what is due; return the windows in order.

        Raises
        ------
        FatalError: a model's cycle failed; the log says why.
        """
        del until  # the log says how far time has come
        windows: list[Body] = []
        for worker in self.daemon.running.workers.values():
            for closed in worker.advance():
                windows += closed.windows
            if worker.why is not None:
                raise FatalError("E300", f"the cycle of {worker.plan.name} failed: {worker.why}", "the log says why")
        self.daemon.tick()
        if time.monotonic() - self._published >= _PUBLISH_SECONDS:
            self.daemon.publish()
            self._published = time.monotonic()
        return windows

    def records(self) -> int:
        """Return how many records were accepted."""
        with self.daemon.running.state.read() as connection:
            return sum(entry.accepted for entry in load_counts(connection) if entry.role == "records")

    def alerts(self) -> Sequence[Body]:
        """Return all alerts, newest first."""
        return self.daemon.view.alerts(None, _ALL, None)[0]

    def actions(self) -> Sequence[Body]:
        """Return all actions, newest first."""
        return self.daemon.view.actions(None, _ALL, None)[0]

    def deliveries(self) -> Sequence[Body]:
        """Return all deliveries, newest first."""
        return self.daemon.view.deliveries(_ALL, None)[0]

    def scored(self, version: str) -> Body | None:
        """Return the ``performance`` object of the newest window of a version that has targets."""
        with self.daemon.running.state.read() as connection:
            found = last_performances(connection)
        return next((body for (_, name), body in found.items() if name == version), None)

    def status(self) -> Body:
        """Return the ``status`` object."""
        return self.daemon.view.status()

    def settle(self, seconds: float) -> bool:
        """Wait until the outbox is empty, so long at most; say whether it is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.daemon.running.state.read() as connection:
                waiting, _ = list_deliveries(connection, status="pending", limit=1)
            if not waiting:
                return True
            time.sleep(0.02)
        return False

    def close(self) -> None:
        """Stop every thread."""
        self.daemon.stop()
