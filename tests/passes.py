"""Passes of the pipeline over a log: undisturbed, in small blocks, with restarts; and what each of them tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.pipeline.closed import Closed
from monitor.pipeline.cycle import RECORDS, Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.store.alert import list_alerts
from monitor.store.counts import Counts, load_counts
from monitor.store.database import State, StateSettings, open_state
from monitor.store.window import list_windows
from tests.worlds import BEGIN, HOUR, Json

WALL = BEGIN + 10_000 * HOUR
"""Wall time of every pass: long after the log."""
ALL = 10_000


@dataclass(slots=True)
class Told:
    """What a pass tells: window bodies in order, alerts as they changed, and rows by fate."""

    windows: list[Json] = field(default_factory=list)
    alerts: list[Json] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    accepted: int = 0
    late: int = 0
    sampled: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def add(self, closed: Closed) -> None:
        """Note what was closed."""
        self.windows += [plain(body) for body in closed.windows]
        self.alerts += [plain(body) for body in closed.alerts]
        self.retired += closed.retired

    def column(self, key: str) -> list[Any]:
        """Return one figure of every window."""
        return [body[key] for body in self.windows]


def plain(body: Json) -> Json:
    """Return a body as it is after a passage through JSON, which keeps every bit of a float."""
    found: Json = json.loads(json.dumps(body))
    return found


def replayed(plan: ModelPlan, *, block_bytes: int = 2**22) -> Told:
    """Return what a replay without a store tells."""
    pipeline, told = Pipeline(plan, event_clock=True, block_bytes=block_bytes), Told()
    for closed in [*pipeline.step(0), *pipeline.flush(0)]:
        told.add(closed)
    tally = pipeline.tallies[RECORDS]
    told.accepted, told.late, told.sampled = tally.accepted, tally.late, tally.sampled
    told.rejected = dict(sorted(tally.rejected.items()))
    pipeline.close()
    return told


@contextmanager
def opened(root: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    state = open_state(StateSettings(directory="state"), root)
    try:
        yield state
    finally:
        state.close()


def passed(plan: ModelPlan, state: State, *, wall: int = WALL, flush: bool = True, **how: Any) -> Told:
    """Return what one pass with a store tells; ``how`` is given to the pipeline."""
    pipeline, told = Pipeline(plan, state, **how), Told()
    for closed in pipeline.step(wall, Limits()):
        told.add(closed)
    for closed in pipeline.flush(wall) if flush else ():
        told.add(closed)
    pipeline.close()
    return counted(told, state)


def restarted(plan: ModelPlan, state: State, windows: int = 1) -> Told:
    """Read a log with a new process for every so many windows that are closed."""
    told, more = Told(), True
    while more:
        pipeline = Pipeline(plan, state)
        while pipeline.read_records(WALL, Limits()):
            pass
        some = list(islice(pipeline.close_due(WALL, drained=True), windows))
        more = bool(some)
        for closed in some or pipeline.flush(WALL):
            told.add(closed)
        pipeline.close()
    return told


def disturbed(plan: ModelPlan, state: State, block_bytes: int, every: int) -> Told:
    """Read with a new pipeline after each few batches; every other one is dropped before it closed what was due."""
    told, more, turn = Told(), True, 0
    while more:
        pipeline = Pipeline(plan, state, block_bytes=block_bytes)
        turn += 1
        for place in range(every):
            more = pipeline.read_records(WALL, Limits())
            if not more or (turn % 2 and place == every - 1):
                break
            for closed in pipeline.close_due(WALL, drained=False):
                told.add(closed)
                if turn % 3 == 0:
                    break  # and what else is due waits for the next
        pipeline.close()
    pipeline = Pipeline(plan, state, block_bytes=block_bytes)
    for closed in [*pipeline.close_due(WALL, drained=True), *pipeline.flush(WALL)]:
        told.add(closed)
    pipeline.close()
    return counted(told, state)


def counted(told: Told, state: State) -> Told:
    """Fill in the rows by fate that the store holds."""
    found = counts_of(state)
    told.accepted, told.late, told.sampled = found.accepted, found.late, found.sampled
    told.rejected = dict(found.rejected)
    return told


def counts_of(state: State, role: str = RECORDS) -> Counts:
    """Return the counts of a role in the store."""
    with state.read() as connection:
        return next((found for found in load_counts(connection) if found.role == role), Counts("shop", role))


def kept_windows(state: State) -> list[Json]:
    """Return the windows of the store, the first first, without what is added later."""
    with state.read() as connection:
        found, _ = list_windows(connection, "shop", limit=ALL)
    return sorted((dict(body) for body in found), key=lambda body: (body["end"], body["version"]))


def kept_alerts(state: State) -> list[Json]:
    """Return the alerts of the store, the first first."""
    with state.read() as connection:
        found, _ = list_alerts(connection, limit=ALL)
    return sorted((dict(body) for body in found), key=lambda body: (body["started_at"], body["id"]))
