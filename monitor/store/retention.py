"""What is older than the retention goes, and its room is given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Table, and_, bindparam, delete, func, literal, or_, select, tuple_

from monitor.instant import Instant
from monitor.store import action, alert, schema
from monitor.store.database import State
from monitor.store.segment import OUTCOMES, ROWS, drop_segments, remove_files, segments_before

_AT_ONCE = 1_000  # rows in one transaction, so that a cycle waits some ten milliseconds for its turn and no longer
_PAGES_AT_ONCE = 2_000
_PAGES_TO_SPARE = 1_000  # 4 MB of free pages stay for what is written next


@dataclass(frozen=True, slots=True)
class Expired:
    """How many rows of each table went; of segments also the bytes of their files."""

    panes: int = 0
    windows: int = 0
    performance: int = 0
    alerts: int = 0
    actions: int = 0
    deliveries: int = 0
    silences: int = 0
    targets: int = 0
    references: int = 0
    segments: int = 0
    segment_bytes: int = 0

    def __add__(self, other: Expired) -> Expired:
        return Expired(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def expire(
    state: State, models: Mapping[str, Instant], ended_before: Instant, answers: Mapping[str, Instant] | None = None
) -> Expired:
    """Delete what is too old, a few thousand rows a transaction; of deliveries, what was delivered or given up.

    It looks through every target, so call it once in some minutes. Pending and firing alerts, actions that wait or
    run and pending deliveries stay.

    Parameters
    ----------
    models: the instant of event time before which each model's data goes.
    ended_before: the wall time before which ended deliveries and silences go, and references of versions without a
        window.
    answers: the instant of event time before which no window of a model waits for its targets any more, if known.

    Raises
    ------
    StoreBusy: some may have gone; the same call may succeed later.
    """
    total = Expired()
    for model, before in models.items():
        total += _expire_model(state, model, before, max(before, (answers or {}).get(model, before)))
        total += Expired(references=_expire_references(state, model, ended_before))
    ended = schema.delivery.c.ended_at < ended_before
    total += Expired(deliveries=_delete(state, schema.delivery, ended))
    total += Expired(silences=_delete(state, schema.silence, schema.silence.c.ends_at < ended_before))
    _give_back(state)
    return total


def _expire_model(state: State, model: str, before: Instant, waiting_from: Instant) -> Expired:
    pane, window, performance, target = schema.pane, schema.window, schema.performance, schema.target
    is_done_alert = _is_none_of(schema.alert.c.state, alert.OPEN)
    alert_end = func.coalesce(schema.alert.c.resolved_at, schema.alert.c.started_at)
    is_done_action = _is_none_of(schema.action.c.status, action.OPEN)
    rows, row_bytes = _expire_segments(state, model, before, ROWS)
    answers, answer_bytes = _expire_segments(state, model, waiting_from, OUTCOMES)
    return Expired(
        panes=_delete(state, pane, (pane.c.model == model) & (pane.c.start_at < before)),
        windows=_delete(state, window, (window.c.model == model) & (window.c.end_at < before)),
        performance=_delete(state, performance, (performance.c.model == model) & (performance.c.end_at < before)),
        alerts=_delete(state, schema.alert, (schema.alert.c.model == model) & is_done_alert & (alert_end < before)),
        actions=_delete(
            state,
            schema.action,
            (schema.action.c.model == model) & is_done_action & (schema.action.c.updated_at < before),
        ),
        targets=_delete(state, target, (target.c.model == model) & (target.c.at < before)),
        segments=rows + answers,
        segment_bytes=row_bytes + answer_bytes,
    )


def _expire_references(state: State, model: str, saved_before: Instant) -> int:
    """Delete the references of versions of which no window is left, and what is known of those that were made anew."""
    reference, window = schema.reference, schema.window
    told = select(window.c.version).where(window.c.model == model)
    gone = or_(reference.c.version.not_in(told), reference.c.payload == b"")
    old = and_(reference.c.model == model, reference.c.saved_at < saved_before, gone)
    with state.write() as connection:
        return connection.execute(delete(reference).where(old)).rowcount


def _is_none_of(column: Column[str], words: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(column != word for word in words))  # NOT IN does not go together with many rows at once


def _delete(state: State, table: Table, old: ColumnElement[bool]) -> int:
    """Delete the old rows of a table: found by a reader, so that the search holds nobody up."""
    keys = list(table.primary_key)
    is_one = and_(*(key == bindparam(f"the_{key.name}") for key in keys), old)
    search = select(*keys).where(old).order_by(*keys).limit(_AT_ONCE)
    found: Sequence[Row[Any]] = ()
    deleted = 0
    while True:
        after = search.where(tuple_(*keys) > tuple_(*map(literal, found[-1]))) if found else search
        with state.read() as connection:
            found = connection.execute(after).all()
        if not found:
            return deleted
        rows = [{f"the_{key.name}": value for key, value in zip(keys, row, strict=True)} for row in found]
        with state.write() as connection:
            deleted += connection.execute(delete(table).where(is_one), rows).rowcount


def _expire_segments(state: State, model: str, before: Instant, kind: str) -> tuple[int, int]:
    with state.read() as connection:
        old = segments_before(connection, model, before, kind)
    if old:
        with state.write() as connection:
            drop_segments(connection, old)
        remove_files(state.directory, old)
    return len(old), sum(each.bytes for each in old)


def _give_back(state: State) -> None:
    """Shorten the file by its free pages, but for some to write on."""
    while True:
        with state.write() as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if free <= _PAGES_TO_SPARE:
                return
            cursor = connection.connection.cursor()
            for _ in range(min(free - _PAGES_TO_SPARE, _PAGES_AT_ONCE)):
                cursor.execute("PRAGMA incremental_vacuum")  # frees as many as it is stepped: once by this driver
            cursor.close()
