"""The spools of a daemon: one for each source that is sent to it, open as long as the config has that source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.config import Loaded
from monitor.errors import FatalError
from monitor.pipeline.cycle import RECORDS, TARGETS
from monitor.pipeline.plan import ModelPlan
from monitor.record import Layout
from monitor.sources.http import KEY, HttpSettings, HttpTargetsSettings
from monitor.sources.opening import SourceSettings
from monitor.sources.pairing import EventSettings
from monitor.sources.spool.writer import Spool, Syncer
from monitor.store.database import State
from monitor.store.position import load_positions
from monitor.web.doors import Door, Doors, Key

Reached = Callable[[str, str], int | None]
"""Returns up to where a model's source, by its role, has been read for good; ``None`` if no worker knows."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A source that is sent to the daemon; ``role`` is the one that its position is kept under."""

    key: Key
    role: str
    settings: SourceSettings
    layout: Layout
    folder: Path


class Spools:
    """Opens and closes them.

    Parameters
    ----------
    reached: see :data:`Reached`.
    """

    def __init__(self, state: State, reached: Reached) -> None:
        self._state, self._reached = state, reached
        self._syncer = Syncer()
        self._syncer.start()
        self._open: dict[Path, Spool] = {}
        self.doors = Doors(self._syncer)

    def refresh(self, loaded: Loaded, plans: tuple[ModelPlan, ...]) -> None:
        """Open what a config has, and let go of what it has not.

        Raises
        ------
        FatalError: E340, a spool cannot be opened.
        """
        known = {sent.key: self._door(sent) for plan in plans for sent in _sent(plan)}
        limits, models = loaded.config.server.limits, frozenset(plan.name for plan in plans)
        self.doors = Doors(self._syncer, limits, known, models, _services(plans))
        kept = {door.spool.folder for door in known.values()}
        self._open = {folder: spool for folder, spool in self._open.items() if folder in kept}

    def _door(self, sent: _Sent) -> Door:
        spool = self._open.get(sent.folder)
        capacity = sent.settings.capacity if isinstance(sent.settings, HttpSettings | HttpTargetsSettings) else 0
        if spool is None:
            model, _ = sent.key
            kept = self._kept(model, sent.role)
            try:
                spool = Spool(sent.folder, capacity, lambda: self._reached(model, sent.role) or kept)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise FatalError("E340", f"{sent.folder}: cannot be opened: {why}", "make it writable") from error
            self._open[sent.folder] = spool
        spool.capacity = capacity
        return Door(*sent.key, spool, sent.layout)

    def _kept(self, model: str, role: str) -> int:
        with self._state.read() as connection:
            body = load_positions(connection, model, role).get(KEY)
        return 0 if body is None else int(body["offset"])

    def troubles(self) -> dict[str, str]:
        """Return why spools cannot be written, by ``model:role``."""
        return {":".join(key): why for key, door in self.doors.known.items() if (why := door.spool.trouble)}

    def stop(self) -> None:
        """Write what was taken, and let nothing more in."""
        self._syncer.stop()


def _sent(plan: ModelPlan) -> Iterator[_Sent]:
    columns = plan.columns
    if plan.spool is None:
        return
    for place, settings in enumerate(plan.records):
        if settings.type == KEY:
            layout = Layout(columns.timestamp, ())
            yield _Sent((plan.name, RECORDS), f"{RECORDS}{place}", settings, layout, plan.spool / RECORDS)
    if plan.targets is not None and plan.targets.type == KEY:
        layout = Layout(columns.timestamp, (), id=columns.id, needs_timestamp=False, needs_id=True)
        yield _Sent((plan.name, TARGETS), TARGETS, plan.targets, layout, plan.spool / TARGETS)


def _services(plans: tuple[ModelPlan, ...]) -> dict[str, tuple[tuple[str | None, str], ...]]:
    """Return the models by the service that their events name; those that name a namespace come first."""
    found: dict[str, list[tuple[str | None, str]]] = {}
    for plan in plans:
        sent = [settings.events for settings in plan.records if isinstance(settings, HttpSettings)]
        events = sent[0] if sent else EventSettings()
        found.setdefault(events.service or plan.name, []).append((events.namespace, plan.name))
    return {service: tuple(sorted(each, key=lambda pair: pair[0] is None)) for service, each in found.items()}
