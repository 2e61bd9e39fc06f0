"""What a batch and a close come to, written down: each is one transaction, and a failed one leaves no file of rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from monitor.incidents.post import post
from monitor.instant import Instant, microseconds
from monitor.pipeline.book import Book
from monitor.pipeline.closed import Closed
from monitor.pipeline.holding import save_gathered, save_made
from monitor.pipeline.intake import Intake
from monitor.pipeline.keeping import keep_rows, kept_of
from monitor.pipeline.making import Made
from monitor.pipeline.merging import Merging
from monitor.pipeline.model import Model
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.storing import save_panes, save_progress, save_sampled, save_versions
from monitor.sources.batch import Batch
from monitor.store.action import save_action
from monitor.store.alert import save_alert
from monitor.store.audit import append_action
from monitor.store.counts import add_counts, save_accepted_at
from monitor.store.database import Connection, State
from monitor.store.position import save_position
from monitor.store.segment import ROWS, Segment, add_segment, remove_files
from monitor.store.window import save_performance, save_window

RECORDS, TARGETS = "records", "targets"
Read = tuple[str, Batch, Intake]
"""The role of a source, what it gave, and what became of it."""


class Writing:
    """Writes what one model comes to; without a state only its answers, beside a replay."""

    def __init__(self, plan: ModelPlan, state: State | None, book: Book) -> None:
        self._state, self._book = state, book
        keep = partial(kept_of, every=microseconds(plan.window.every), most=plan.rows_per_window)
        self._merging = Merging(plan.name, ROWS, keep)

    def batch(self, model: Model, read: Read, wall: Instant) -> None:
        """Keep a batch of records."""
        intake = read[2]

        def save(connection: Connection) -> None:
            save_gathered(connection, model, intake.gathered)
            save_progress(connection, model)
            save_batch(connection, model.plan.name, read, wall)

        self._write(model, intake, save)

    def close(self, model: Model, result: tuple[Closed, Made], wall: Instant) -> None:
        """Keep what a close gave and made, with the rows that it counted again."""
        closed, made = result

        def save(connection: Connection) -> None:
            _save_closed(connection, model, closed, wall)
            save_made(connection, model, made, wall)

        self._write(model, made.intake, save, durable=bool(closed.actions))

    def _write(
        self, model: Model, intake: Intake, save: Callable[[Connection], None], *, durable: bool = False
    ) -> None:
        """Write rows and answers to files, then name them in one transaction with all else."""
        if self._state is None:
            self._book.write(model, intake)
            return
        rows: list[Segment] = []
        answers: list[Segment] = []
        try:
            rows.extend(keep_rows(self._state.directory, model, intake))
            answers.extend(self._book.write(model, intake))
            with self._state.write(durable=durable) as connection:
                save_sampled(connection, model, intake.sampled_rows)  # before a close writes all that are left anew
                save(connection)
                save_panes(connection, model, intake.panes)
                for segment in [*rows, *answers]:
                    add_segment(connection, segment)
        except BaseException:
            remove_files(self._state.directory, [*rows, *answers])
            raise
        self._merging.run(self._state, rows)
        self._book.merge(answers)


def save_batch(connection: Connection, model: str, read: Read, wall: Instant) -> None:
    """Keep where a source goes on after a batch, and the batch's rows by fate."""
    role, batch, intake = read
    save_position(connection, model, role, batch.file, batch.position.to_json())
    kind = TARGETS if role == TARGETS else RECORDS
    add_counts(connection, model, kind, intake.accepted, intake.late, intake.sampled, rejected=dict(intake.rejected))
    if intake.accepted:
        save_accepted_at(connection, model, kind, wall)


def _save_closed(connection: Connection, model: Model, closed: Closed, wall: Instant) -> None:
    window = model.plan.window
    for body in closed.windows:
        save_window(connection, body)
    for body in closed.performance:
        save_performance(connection, body, final=body["performance"][0]["final"])
    for body in closed.moved:
        save_alert(connection, body)
    for body in closed.actions:
        save_action(connection, body)
        append_action(connection, wall, "driftline", body)
    post(connection, closed.told, model.plan.policy, wall)
    save_versions(connection, model, closed.end + microseconds(window.every) - microseconds(window.length))
