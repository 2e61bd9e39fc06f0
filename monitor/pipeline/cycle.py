"""The pipeline of one model: read a batch, count it, commit; close what is due, commit. One transaction each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from monitor.instant import Instant, microseconds
from monitor.pipeline.asking import ask
from monitor.pipeline.book import Book, arrived
from monitor.pipeline.closed import Closed
from monitor.pipeline.closing import close_windows
from monitor.pipeline.fitting import fitted_by
from monitor.pipeline.holding import load_made
from monitor.pipeline.intake import Intake, Origin, Transform, take, versions_of, watermark
from monitor.pipeline.making import Made, freeze_due, judge_from_now
from monitor.pipeline.model import Model
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import References
from monitor.pipeline.storing import load_model, save_progress, save_targets_known
from monitor.pipeline.tally import NO_LIMITS, Limits, Tally
from monitor.pipeline.targets import of_sample, target_rows
from monitor.pipeline.writing import RECORDS, TARGETS, Writing, save_batch
from monitor.record import Layout, Rejected
from monitor.sources.batch import Batch
from monitor.sources.opening import Where, open_source
from monitor.sources.position import Position
from monitor.sources.source import Source
from monitor.store.database import State
from monitor.store.position import load_positions
from monitor.window import NEVER
from monitor.workers import Workers

__all__ = ["RECORDS", "TARGETS", "Pipeline"]

TransformFor = Callable[[Layout], Transform | None]


class Pipeline:
    """One model, with its sources and perhaps a store; without one it forgets everything at its end (backtest).

    One thread at a time calls it. With ``event_clock`` event time decides, and only how long an action waits for its
    job is wall time, where there is a store. ``workers`` start its children; whoever gives them ends them.
    """

    def __init__(
        self,
        plan: ModelPlan,
        state: State | None = None,
        *,
        event_clock: bool = False,
        block_bytes: int = 4 * 2**20,
        workers: Workers | None = None,
    ) -> None:
        self.plan = plan
        self._own_workers = Workers()
        self._workers = self._own_workers if workers is None else workers
        self._transform_for: TransformFor = lambda _: None
        self._transform: Transform | None = None
        self._event_clock = event_clock
        self.tallies: dict[str, Tally] = {RECORDS: Tally(), TARGETS: Tally()}
        self.refused: list[Rejected] = []
        """The last refused records, redacted, for the log; at most a hundred."""
        self._state = state
        self._book = Book(plan, state)
        self._block_bytes = block_bytes
        self.sources: list[Source] = []
        self.target_source: Source | None = None
        self.references = References(plan, fitted_by(partial(self._workers.call_in_turn, f"{plan.name}~losses")))
        self.references.refresh(strict=True)
        self.reload()

    def change_by(self, transform_for: TransformFor) -> None:
        """Change canonical rows before they are counted; what is given is asked at once, so that it can refuse."""
        self._transform_for = transform_for
        self._transform = self._changed_by(self._layouts)

    def _changed_by(self, layouts: tuple[Layout, Layout] | None) -> Transform | None:
        return self._transform_for(layouts[0]) if layouts is not None and layouts[0].columns else None

    def reload(self) -> None:
        """Take everything from the store again: at the start, and after a transaction that failed."""
        self.model = Model(self.plan, self.references, event_clock=self._event_clock, workers=self._workers)
        self._positions: dict[str, dict[str, Position]] = {role: {} for role in self._roles()}
        if self._state is not None:
            with self._state.read() as connection:
                self.references.restore(load_made(connection, self.plan.name))
                load_model(connection, self.model)
                for role, positions in self._positions.items():
                    kept = load_positions(connection, self.plan.name, role)
                    positions.update({key: Position.from_json(body) for key, body in kept.items()})
        self._writing = Writing(self.plan, self._state, self._book)
        self._unread: dict[int, Instant] = dict.fromkeys(range(len(self.plan.records)), NEVER)
        """How far the slowest file has come, of each source that is not read to its end; unknown before it is read."""
        self._open_sources()

    def _roles(self) -> list[str]:
        return [*(f"{RECORDS}{place}" for place in range(len(self.plan.records))), TARGETS]

    def close(self) -> None:
        """Give back the files that are open, and what a replay kept beside."""
        self._close_sources()
        self._book.close()
        self._own_workers.stop()

    def _close_sources(self) -> None:
        for source in [*self.sources, *([self.target_source] if self.target_source is not None else [])]:
            source.close()
        self.sources, self.target_source = [], None

    def _open_sources(self, *, whole: bool = False) -> None:
        """Open the sources by the layouts that are known now; ``whole`` if a version is met that gathers rows."""
        self._close_sources()
        self._layouts: tuple[Layout, Layout] | None = self.references.layouts()
        if self._layouts is None:
            return
        records, targets = self._layouts
        records = replace(records, whole=whole or bool(self.model.gathered))
        self._layouts = records, targets
        self._transform = self._changed_by(self._layouts)
        where = partial(Where, self.plan.root, block_bytes=self._block_bytes, at_rest=self._state is None)
        self.sources = [open_source(each, records, where(self._spool(RECORDS))) for each in self.plan.records]
        if self.plan.targets is not None:
            self.target_source = open_source(self.plan.targets, targets, where(self._spool(TARGETS)))

    def _spool(self, role: str) -> Path | None:
        return None if self.plan.spool is None else self.plan.spool / role

    def step(
        self, wall: Instant, limits: Limits = NO_LIMITS, stopping: Callable[[], bool] = lambda: False
    ) -> Iterator[Closed]:
        """Read and close until all that lies there now is read, yielding what was closed after each commit.

        ``stopping`` is asked between two transactions.
        """
        if self.references.per_version and self.references.refresh():
            self._open_sources()
        self.read_targets(wall, stopping)
        while not stopping() and self.read_records(wall, limits):
            yield from self.close_due(wall, drained=False, stopping=stopping)
        if not stopping():
            yield from self.close_due(wall, drained=not self._is_away(), stopping=stopping)

    def _is_away(self) -> bool:
        """Say whether a source may have records that cannot be had now: it is not silent, and holds what it held."""
        return any(getattr(source, "away", False) for source in self.sources)

    def read_targets(self, wall: Instant, stopping: Callable[[], bool] = lambda: False) -> None:
        """Read all targets that lie there."""
        while not stopping() and self.target_source is not None:
            batch = self.target_source.read(self._positions[TARGETS])
            if batch is None:
                return
            self._take_targets(batch, wall)

    def _take_targets(self, batch: Batch, wall: Instant) -> None:
        rows, panes = target_rows(batch.table, self._layouts, microseconds(self.plan.window.every))
        for at, count in panes.items():
            self.model.targets[at] = self.model.targets.get(at, 0) + count
        kept = of_sample(rows, self.plan.sampling.rate)
        self.model.arrivals.add(arrived(kept, microseconds(self.plan.window.every), self.model.next_end))
        intake = Intake(len(rows), sampled=len(kept), rejected=batch.refused())
        self.tallies[TARGETS].changed += self._book.changed(kept)
        if self._state is None:
            self._book.save_targets(None, kept)
        else:
            with self._state.write() as connection:
                self._book.save_targets(connection, kept)
                save_targets_known(connection, self.model)
                save_progress(connection, self.model)
                save_batch(connection, self.plan.name, (TARGETS, batch, intake), wall)
        self._positions[TARGETS][batch.file] = batch.position
        self._tally(TARGETS, batch, intake)

    def read_records(self, wall: Instant, limits: Limits) -> bool:
        """Read and commit one batch of the source that is furthest behind; say whether there was one."""
        places, reached = range(len(self.sources)), self.model.reached
        behind = {place: self._unread.get(place, reached.get(place, NEVER)) for place in places}
        for place in sorted(behind, key=lambda place: (behind[place], place)):
            batch = self.sources[place].read(self._positions[f"{RECORDS}{place}"])
            if batch is not None and self._lacks_whole(batch):
                self._open_sources(whole=True)  # and the batch is read again: nothing of it was committed
                return True
            if batch is not None:
                self._take_records(place, batch, wall, limits)
                return True
            if not getattr(self.sources[place], "away", False):
                self._unread.pop(place, None)
        return False

    def _lacks_whole(self, batch: Batch) -> bool:
        """Say whether rows of a batch are to be held as they stand in the log, and were not read so."""
        if self._layouts is None or self._layouts[0].whole or not self.references.may_be_made:
            return False
        return any(map(self.references.holds, versions_of(batch.table, self._layouts[0])))

    def _take_records(self, place: int, batch: Batch, wall: Instant, limits: Limits) -> None:
        if self._layouts is None:
            return
        layout = self._layouts[0]
        role = f"{RECORDS}{place}"
        before = None if batch.begins else self._positions[role].get(batch.file)
        reached = before.newest if before is not None and before.newest is not None else NEVER
        intake = take(self.model, Origin(place, reached, limits.newest), batch, layout, self._transform)
        if intake.newest is not None:
            newest = None if intake.newest == NEVER else intake.newest
            batch = replace(batch, position=replace(batch.position, newest=newest))
        if intake.accepted:
            self.model.heard[place] = wall
        self._writing.batch(self.model, (role, batch, intake), wall)
        self._positions[role][batch.file] = batch.position
        own = batch.position.newest if batch.position.newest is not None else NEVER
        self._unread[place] = own if batch.hold is None else max(min(own, batch.hold), NEVER)
        self._tally(RECORDS, batch, intake)

    def _tally(self, role: str, batch: Batch, intake: Intake) -> None:
        tally = self.tallies[role]
        tally.accepted += intake.accepted
        tally.late += intake.late
        tally.sampled += intake.sampled
        tally.rejected.update(intake.rejected)
        tally.mismatched.update(batch.mismatched)
        tally.bytes_lost += batch.bytes_lost
        self.refused = [*self.refused, *batch.rejected][-100:]

    def close_due(
        self,
        wall: Instant,
        *,
        drained: bool,
        until: Instant | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Iterator[Closed]:
        """Close every window whose end the watermark, or ``until``, has reached; one transaction an instant."""
        mark = until if until is not None else watermark(self.model, self._reached(wall, drained=drained))
        if until is None and drained:
            mark = max(mark, self._idle_mark(wall))
        while self.model.next_end is not None and self.model.next_end <= mark:
            if stopping():
                return
            known_at = self.model.next_end + microseconds(self.plan.window.lateness)
            now = known_at if self._state is None else wall
            closed = close_windows(self.model, self.model.next_end, now)
            self._book.score(self.model, closed)
            ask(self.model, closed, now)
            self._writing.close(self.model, (closed, self._make_references(closed)), wall)
            yield closed
        self.model.closed = max(self.model.closed, mark)

    def _reached(self, wall: Instant, *, drained: bool) -> dict[int, Instant]:
        """Return how far each source has come; a drained one that is idle holds nobody back."""
        reached = dict(self.model.reached)
        if drained:
            active = {p: at for p, at in reached.items() if not self._is_idle(p, wall)}
            return active or reached
        return dict.fromkeys(range(len(self.sources)), NEVER) | reached | self._unread

    def _is_idle(self, place: int, wall: Instant) -> bool:
        heard = self.model.heard.get(place)
        return not self._event_clock and heard is not None and wall - heard >= microseconds(self.plan.window.idle)

    def _idle_mark(self, wall: Instant) -> Instant:
        """Return how far time has come when every source has been silent for ``idle``: silence is to be seen.

        The log's own lag is kept: a log that is written a day behind stays a day behind.
        """
        model, window = self.model, self.plan.window
        heard = max(model.heard.values(), default=None)
        if self._event_clock or heard is None or wall - heard < microseconds(window.idle):
            return NEVER
        return max(model.reached.values()) + (wall - heard) - microseconds(window.lateness)

    def _make_references(self, closed: Closed) -> Made:
        """Make the references of which there are enough rows; their sources are read by their layouts from now on."""
        made = freeze_due(self.model, closed)
        if made.frozen or made.followed:
            judge_from_now(self.model, made, self._changed_by(self.references.layouts()))
        if made.frozen or made.emptied:
            self._open_sources()
        return made

    def settle(self) -> Closed:
        """Score every window that still waits for targets as far as they are known: the end of a replay."""
        closed = Closed(self.model.closed, self.model.closed + microseconds(self.plan.window.lateness))
        self._book.score(self.model, closed, everything=True)
        return closed

    def flush(self, wall: Instant) -> Iterator[Closed]:
        """Close every window that holds a record: the end of a replay."""
        if self.model.panes or self.model.bare:
            last = max(at for _, at in [*self.model.panes, *self.model.bare]) + self.plan.window.pane
            every = microseconds(self.plan.window.every)
            yield from self.close_due(wall, drained=True, until=-(-last // every) * every)

    @property
    def positions(self) -> Mapping[str, Mapping[str, Position]]:
        """Return where each source goes on, by role."""
        return self._positions
