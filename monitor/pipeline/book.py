"""Where one model's answers and targets lie, and the scoring of what is due: in the state, or beside a replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from monitor.instant import Instant
from monitor.pipeline.arrivals import Hashes, by_stretch
from monitor.pipeline.closed import Closed
from monitor.pipeline.comparing import compare_answers
from monitor.pipeline.intake import Intake
from monitor.pipeline.loss_alarm import feed_losses
from monitor.pipeline.merging import Merging
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Outcomes, all_of, keep_answers
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.scoring import estimate_windows, look_again, meet
from monitor.pipeline.target_watch import watch_targets
from monitor.pipeline.waiting import Waiting
from monitor.sampling import id_hashes
from monitor.store.database import Connection, State, StateSettings, open_state
from monitor.store.segment import OUTCOMES, Segment, add_segment, remove_files
from monitor.store.target import load_targets, save_targets

TargetRow = tuple[str, str, Instant]
"""The id of a record, its target as JSON, and when that was known."""


def arrived(rows: Sequence[TargetRow], every: int, first: Instant | None) -> dict[Instant, Hashes]:
    """Return the hashes of the ids of targets by the close at which they are first known; see ``by_stretch``."""
    return by_stretch([at for _, _, at in rows], id_hashes(id_ for id_, _, _ in rows), every, first)


class Book:
    """The answers and targets of one model.

    A replay, which has no state, keeps them in a directory of its own from the first one until :meth:`close`: the same
    code joins them.
    """

    def __init__(self, plan: ModelPlan, state: State | None) -> None:
        self._plan = plan
        self._is_replay = state is None
        self._state = state
        self._folder: str | None = None
        self._outcomes = None if state is None else Outcomes(state, plan.name)
        self._merging = Merging(plan.name, OUTCOMES, all_of)
        self._waiting = Waiting()

    def _opened(self) -> State:
        if self._state is None:
            self._folder = mkdtemp(prefix="driftline-")
            self._state = open_state(StateSettings(directory=self._folder), Path(self._folder))
            self._outcomes = Outcomes(self._state, self._plan.name)
        return self._state

    def write(self, model: Model, intake: Intake) -> list[Segment]:
        """Write a batch's answers to files, which the Ingest transaction is to name; a replay names them here."""
        if not any(model.keeps_answers(version) for version, _ in intake.rows):
            return []
        state, written = self._opened(), list[Segment]()
        try:
            written.extend(keep_answers(state.directory, model, intake))
            if self._is_replay:
                with state.write() as connection:
                    for segment in written:
                        add_segment(connection, segment)
        except BaseException:
            remove_files(state.directory, written)
            raise
        if written and self._outcomes is not None:
            self._outcomes.refresh()
        return written

    def merge(self, written: Sequence[Segment]) -> None:
        """Join small files of answers, once they are named."""
        if self._state is not None:
            self._merging.run(self._state, written)
        if self._outcomes is not None:
            self._outcomes.refresh()

    def changed(self, rows: Sequence[TargetRow]) -> int:
        """Return how many targets are other than what is known of their record."""
        if self._state is None:
            return 0
        with self._state.read() as connection:
            known = load_targets(connection, self._plan.name, (row[0] for row in rows))
        return sum(known.get(id_, body) != body for id_, body, _ in rows)

    def save_targets(self, connection: Connection | None, rows: Sequence[TargetRow]) -> None:
        """Keep targets within the Ingest transaction; a replay has none."""
        if connection is not None:
            save_targets(connection, self._plan.name, rows)
        else:
            with self._opened().write() as own:
                save_targets(own, self._plan.name, rows)

    def score(self, model: Model, closed: Closed, *, everything: bool = False) -> None:
        """Let the windows that close now wait for targets, and score those that are due; see ``look_again``."""
        if self._outcomes is None:
            compare_answers(model, None, (), closed, everything=everything)
            return
        estimate_windows(model, self._outcomes, closed)
        meet(model, closed)
        self._waiting.follow(model, self._outcomes, closed.end)
        looks = look_again(model, self._outcomes, closed, everything=everything)
        closed.performance += [look.body for look in looks if look.body is not None]
        feed_losses(model, looks, closed, max(len(model.live), 1))
        compare_answers(model, self._outcomes, looks, closed, everything=everything)
        if not everything:
            watch_targets(model, closed)

    def close(self) -> None:
        """Let go of a replay's directory."""
        if self._folder is not None and self._state is not None:
            self._state.close()
            rmtree(self._folder, ignore_errors=True)
            self._state = self._outcomes = self._folder = None
