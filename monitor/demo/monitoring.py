"""What the demo asks of a monitor. The bodies are those of the HTTP API; the command line hands in a real daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from monitor.instant import Instant

Body: TypeAlias = Mapping[str, Any]


class Monitor(Protocol):
    """A daemon whose event clock is the demo's: page, metrics, outbox and callbacks are real."""

    @property
    def page(self) -> str:
        """Return the address of the web page."""

    @property
    def metrics(self) -> str:
        """Return the address of ``/metrics``."""

    def advance(self, until: Instant) -> Sequence[Body]:
        """Read all that is logged, close the windows that are due, and return their ``window`` objects in order.

        ``until`` is the event clock: every record before it has been written. What the windows gave rise to is
        committed when this returns; deliveries go out by themselves, in other threads and in wall time.
        """

    def records(self) -> int:
        """Return how many records were accepted."""

    def alerts(self) -> Sequence[Body]:
        """Return all alerts, newest first, with ``resolved_at``."""

    def actions(self) -> Sequence[Body]:
        """Return all actions, newest first, with ``alert``, ``status``, ``why`` and ``result``."""

    def deliveries(self) -> Sequence[Body]:
        """Return all deliveries, newest first, with ``message_id``, ``receiver``, ``status`` and ``attempts``."""

    def scored(self, version: str) -> Body | None:
        """Return the ``performance`` object of the newest window of a version that has targets, if there is one."""

    def close(self) -> None:
        """Stop every thread, and leave the state as a daemon that was stopped would."""


OpenMonitor: TypeAlias = Callable[[Path], Monitor]
"""Starts a monitor on a config file; its windows and positions start where its state directory left them."""
