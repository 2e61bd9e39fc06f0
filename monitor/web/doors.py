"""Where what is sent comes in: a door for each kind of thing that a model takes, and what holds for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from monitor.config.server import LimitSettings
from monitor.record import Layout
from monitor.sources.formats.event import Event, Part
from monitor.sources.spool.writer import Done, Spool, SpoolFull, Syncer
from monitor.web.problems import Problem, not_found

MOST_BUFFERED_BYTES = 2**25
"""Of bodies that are being received, together."""
_FULL_SECONDS, _TROUBLE_SECONDS = "1", "5"


def _nothing(_error: OSError | None) -> None:
    return


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One thing that a model takes; it is equal to itself alone, so that it is found at once.

    Attributes
    ----------
    layout: what must stand in each record for it to be let in: its time; in a target, its id.
    """

    model: str
    role: str
    spool: Spool
    layout: Layout


Key: TypeAlias = tuple[str, str]
_Kept: TypeAlias = asyncio.Future[OSError | None]


@dataclass(slots=True)
class Doors:
    """All doors of a daemon, by model and role, and the models that have none."""

    syncer: Syncer
    limits: LimitSettings = field(default_factory=LimitSettings)
    known: Mapping[Key, Door] = field(default_factory=dict)
    models: frozenset[str] = frozenset()
    services: Mapping[str, tuple[tuple[str | None, str], ...]] = field(default_factory=dict)
    """The models whose events name a service, each with the namespace that it must have, if any."""
    buffered: int = 0
    """Bytes of bodies that are being received."""
    _settled: deque[tuple[_Kept, OSError | None]] = field(default_factory=deque, repr=False)
    _waking: asyncio.AbstractEventLoop | None = field(default=None, repr=False)

    def of(self, model: str, role: str) -> Door:
        """Return a door.

        Raises
        ------
        Problem: 404, there is none.
        """
        door = self.known.get((model, role))
        if door is not None:
            return door
        if model not in self.models:
            raise not_found("model")
        raise Problem(HTTPStatus.NOT_FOUND, "source_unknown", f"the model takes no {role} here: their type is not http")

    def of_event(self, event: Event) -> Door:
        """Return the door of the model that an event tells of.

        Raises
        ------
        Problem: 404, there is none.
        """
        role = "targets" if event.part is Part.FEEDBACK else "records"
        return self.of_service(event.service, event.more.get("namespace"), role)

    def of_service(self, service: str, namespace: str | None, role: str) -> Door:
        """Return the door of the model that watches a service.

        Raises
        ------
        Problem: 404, there is none.
        """
        for wanted, model in self.services.get(service, ()):
            if wanted in (None, namespace):
                return self.of(model, role)
        raise not_found("service")

    async def keep(self, door: Door, frame: bytes) -> None:
        """Have a frame on the disk.

        Raises
        ------
        Problem: 429, there is no room for it now; 503, it cannot be written.
        """
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[OSError | None] = loop.create_future()
        self.note(door, frame, lambda error: self._settle(loop, kept, error))
        if await kept is not None:
            detail, headers = "what was sent cannot be written to the disk now", {"Retry-After": _TROUBLE_SECONDS}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "spool_not_writable", detail, headers=headers)

    def _settle(self, loop: asyncio.AbstractEventLoop, kept: _Kept, error: OSError | None) -> None:
        """Have what waits for the disk go on, from the thread that writes; what was synced together wakes it once."""
        self._settled.append((kept, error))
        if self._waking is not loop:
            self._waking = loop
            with suppress(RuntimeError):  # the server has stopped: nobody waits any more
                loop.call_soon_threadsafe(self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waking = None  # first: what is settled from now on wakes anew
        while self._settled:
            kept, error = self._settled.popleft()
            if kept.get_loop() is loop and not kept.done():
                kept.set_result(error)

    def note(self, door: Door, frame: bytes, done: Done = _nothing) -> None:
        """Have a frame written, without waiting for it.

        Raises
        ------
        Problem: 429, there is no room for it now.
        """
        try:
            self.syncer.append(door.spool, frame, done)
        except SpoolFull:
            raise over_capacity("more waits to be read than there is room for") from None


def over_capacity(detail: str) -> Problem:
    """Return the problem of too much at once."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "over_capacity", detail, headers={"Retry-After": _FULL_SECONDS})
