"""A batch of records into panes: what is refused, what is late, what is sampled, what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.instant import FIRST, Instant, microseconds
from monitor.judge import Judge
from monitor.pipeline.gathering import Gathered, rows_of
from monitor.pipeline.model import FOREVER, Model
from monitor.pipeline.segment_counts import count_segments
from monitor.pipeline.trail import Trail
from monitor.profile import Profile, profile_rows
from monitor.record import TEXTS, WHOLE, Layout, Reason
from monitor.repeats import with_hashes
from monitor.sampling import hashes_with, sampled, text_hashes
from monitor.sources.batch import Batch
from monitor.sources.whole import decode_whole
from monitor.tally import MISMATCH, without_marks
from monitor.usage import ERROR, PREFIX, without_usage
from monitor.window import NEVER, first_window_end, late_rows, pane_starts

HASH = "driftline_hash"
Transform = Callable[[pa.Table], pa.Table]
"""What changes canonical rows before they are counted, or drops or repeats some, but moves none in time: drift that a
backtest injects. Which records are late is decided before, by the log as it is."""


@dataclass(slots=True)
class Intake:
    """What became of one batch: rows by fate, the panes it touched, the rows that may be kept, and those held.

    ``newest`` is the highest event time of its file so far where records of impossible times were set aside, else
    ``None``.
    """

    accepted: int = 0
    late: int = 0
    sampled: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    panes: set[tuple[str, Instant]] = field(default_factory=set)
    rows: dict[tuple[str, Instant], pa.Table] = field(default_factory=dict)
    newest: Instant | None = None
    gathered: dict[str, pa.Table] = field(default_factory=dict)
    sampled_rows: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)
    """Rows that a child may be given, by version and what for."""


def arrange(table: pa.Table, layout: Layout) -> pa.Table:
    """Return decoded fields as the canonical table: columns under their names, latency in seconds."""
    rows = table.num_rows
    arrays = {"timestamp": table["timestamp"]}
    arrays["id"] = table[layout.id] if layout.id else pa.nulls(rows, pa.string())
    version = table[layout.version] if layout.version else pa.nulls(rows, pa.string())
    arrays["version"] = pc.fill_null(version, "")
    if layout.latency:
        arrays["latency"] = pc.divide(table[layout.latency], 1000.0)
    if layout.error:
        arrays[ERROR] = table[layout.error].cast(pa.string())
    arrays |= {f"{PREFIX}{name}": table[path] for name, path in layout.resources}
    arrays |= {column.key: table[column.path] for column in layout.columns}
    marks = {column.key + MISMATCH: column.path + MISMATCH for column in layout.columns}
    arrays |= {key: table[mark] for key, mark in marks.items() if mark in table.column_names}
    arrays |= {name: table[name] for name in (WHOLE, TEXTS) if layout.whole}
    return pa.table(arrays)


def versions_of(table: pa.Table, layout: Layout) -> list[str]:
    """Return the versions that decoded fields speak of."""
    found = pc.unique(table[layout.version]).to_pylist() if layout.version else [None] * bool(table.num_rows)
    return [name or "" for name in found]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a batch comes from.

    Attributes
    ----------
    source: the place of its source among the model's.
    reached: the newest event time of its file before it, or ``NEVER``.
    newest_allowed: records stamped later are set aside; ``None`` in a replay.
    """

    source: int
    reached: Instant = NEVER
    newest_allowed: Instant | None = None


def take(model: Model, origin: Origin, batch: Batch, layout: Layout, transform: Transform | None = None) -> Intake:
    """Count a batch of records into the model's panes."""
    intake = Intake(rejected=batch.refused())
    table = arrange(batch.table, layout)
    times = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)
    table, times = _possible(table, times, origin, intake)
    if not len(times):
        return intake
    late = _late(model, origin, times, batch.hold)
    model.reached[origin.source] = max(model.reached.get(origin.source, NEVER), int(times.max()))
    intake.late = int(late.sum())
    if intake.late:
        table, times = table.filter(pa.array(~late)), times[~late]
    hashes = _hashes(model, table)
    if layout.whole:
        _hold(model, intake, table, hashes)
    if transform is not None:
        table = transform(table)
        times, hashes = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64), _hashes(model, table)
    intake.accepted = len(times)
    chosen = sampled(hashes, model.plan.sampling.rate)
    intake.sampled = int(chosen.sum())
    _count(model, intake, table, times, (hashes, chosen))
    return intake


def _possible(
    table: pa.Table, times: NDArray[np.int64], origin: Origin, intake: Intake
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Set aside what is of the future, and what is of before there were records: it would open windows since then."""
    early, last = times < FIRST, np.inf if origin.newest_allowed is None else origin.newest_allowed
    future = times > last
    for untrue, reason in ((future, Reason.TIMESTAMP_FUTURE), (early, Reason.TIMESTAMP_EARLY)):
        if untrue.any():
            intake.rejected[str(reason)] += int(untrue.sum())
    untrue = future | early
    if untrue.any():
        table, times = table.filter(pa.array(~untrue)), times[~untrue]
        intake.newest = int(times.max(initial=origin.reached))
    return table, times


def _late(model: Model, origin: Origin, times: NDArray[np.int64], hold: Instant | None) -> NDArray[np.bool_]:
    others = [reached for place, reached in model.reached.items() if place != origin.source]
    unread = [NEVER] if len(others) + 1 < len(model.plan.records) else []
    holds = [*others, *unread, *([max(hold, NEVER)] if hold is not None else [])]
    return late_rows(
        times,
        reached=origin.reached,
        hold=min(holds) if holds else None,
        closed=model.closed,
        lateness=microseconds(model.plan.window.lateness),
        pane=model.plan.window.pane,
    )


def row_hashes(table: pa.Table) -> NDArray[np.uint64]:
    """Return a hash of each record: of its id, or of the record itself where it has none."""

    def told(alone: pa.Array) -> Iterator[str]:
        rows = without_marks(without_usage(table)).drop_columns(["id"]).filter(alone).to_pylist()
        return (repr(sorted(row.items())) for row in rows)

    return hashes_with(table["id"], told)


def _hashes(model: Model, table: pa.Table) -> NDArray[np.uint64]:
    """Return a hash of each record; where no column is known yet, that of one without an id is of all that it holds."""
    hashes = row_hashes(_without_whole(table))
    if WHOLE not in table.column_names:
        return hashes
    bare = [name for name in pc.unique(table["version"]).to_pylist() if model.references.gathers(name)]
    held = np.asarray(pc.is_in(table["version"], pa.array(bare, pa.string())).to_numpy(), dtype=np.bool_)
    return np.where(held, _of_whole(table, hashes), hashes) if held.any() else hashes


def _without_whole(table: pa.Table) -> pa.Table:
    return table.drop_columns([WHOLE, TEXTS]) if WHOLE in table.column_names else table


def count_again(model: Model, intake: Intake, rows: pa.Table, layout: Layout, transform: Transform | None) -> None:
    """Count rows that were held, by the reference that was made meanwhile, as if they were read only now."""
    decoded = decode_whole(rows[WHOLE].to_pylist(), layout).table
    if decoded.num_rows == rows.num_rows:  # else a record has a key twice, and is refused by now
        decoded = decoded.set_column(0, "timestamp", rows["timestamp"])
    table = arrange(decoded, layout)
    if transform is not None:
        table = transform(table)
    hashes = row_hashes(table)
    times = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)
    _count(model, intake, table, times, (hashes, sampled(hashes, model.plan.sampling.rate)))


def _count(
    model: Model,
    intake: Intake,
    table: pa.Table,
    times: NDArray[np.int64],
    choice: tuple[NDArray[np.uint64], NDArray[np.bool_]],
) -> None:
    hashes, chosen = choice
    starts = pane_starts(times, model.plan.window.pane)
    if len(starts):
        end = first_window_end(int(starts.min()), model.plan.window)
        model.next_end = end if model.next_end is None else min(model.next_end, end)
    versions = table["version"].combine_chunks().dictionary_encode()
    codes = versions.indices.to_numpy(zero_copy_only=False)
    for code, name in enumerate(versions.dictionary.to_pylist()):
        mine = codes == code
        version = model.version(name, int(starts[mine].min()))
        picked = mine & chosen
        for start in np.unique(starts[mine & ~chosen]).tolist():
            model.bare.setdefault((name, start), 0)
        if version.judge is None:
            _count_bare(model, name, starts[picked])
            continue
        until = model.counted_before(name)
        if until != FOREVER and (waiting := picked & (times >= until)).any():
            _count_bare(model, name, starts[waiting])
            picked &= ~waiting
        part = _without_whole(table)
        part = part.filter(pa.array(picked)) if not picked.all() else part
        _count_version(model, intake, name, part, (starts[picked], hashes[picked]), version.judge)
        for whose, sample in version.samples.items() if part.num_rows else ():
            held = sample.take(part, times[picked], hashes[picked])
            intake.sampled_rows.setdefault((name, whose), []).append(held)


def _hold(model: Model, intake: Intake, table: pa.Table, hashes: NDArray[np.uint64]) -> None:
    """Hold the rows of versions whose reference is to be made of them, as they are in the log."""
    versions = table["version"].combine_chunks()
    for name in pc.unique(versions).to_pylist():
        if model.references.holds(name):
            mine = np.asarray(pc.equal(versions, name).to_numpy(zero_copy_only=False), dtype=np.bool_)
            _gather(model, intake, name, table.filter(pa.array(mine)), hashes[mine])


def _gather(model: Model, intake: Intake, name: str, table: pa.Table, hashes: NDArray[np.uint64]) -> None:
    most, trailing, rate = model.references.wanted_rows(name), model.references.trailing(name), model.plan.sampling.rate
    if trailing is not None:
        hashes = _of_whole(table, hashes)
        held = model.gathered.setdefault(name, Trail(trailing, model.next_close))
        if isinstance(held, Trail):
            intake.gathered[name] = held.add(rows_of(table, hashes, sampled(hashes, rate)))
    elif most is not None:
        first = model.gathered.setdefault(name, Gathered(most))
        if isinstance(first, Gathered):
            intake.gathered[name] = rows_of(table, hashes, sampled(hashes, rate))
            first.add(intake.gathered[name], model.next_close)


def _of_whole(table: pa.Table, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hashes by which rows are held: of a record without an id that of all that it holds, ever the same."""
    alone = np.asarray(pc.is_null(table["id"]).to_numpy(), dtype=np.bool_)
    if alone.any():
        hashes = hashes.copy()
        hashes[alone] = text_hashes(table[WHOLE].filter(pa.array(alone)).to_pylist())
    return hashes


def _count_bare(model: Model, name: str, starts: NDArray[np.int64]) -> None:
    for start, rows in zip(*np.unique(starts, return_counts=True), strict=True):
        key = (name, int(start))
        model.bare[key] = model.bare.get(key, 0) + int(rows)


def _count_version(
    model: Model,
    intake: Intake,
    name: str,
    table: pa.Table,
    rows: tuple[NDArray[np.int64], NDArray[np.uint64]],
    judge: Judge,
) -> None:
    starts, hashes = rows
    reference = judge.reference
    panes, place = np.unique(starts, return_inverse=True)
    counted = with_hashes(table, table["id"], hashes) if reference.binning.tallies else table
    counted = reference.widened(counted)
    profiles = profile_rows(counted, reference.binning, place.astype(np.intp), len(panes))
    if judge.parts:
        count_segments(model, name, (table, counted), (panes, place), judge)
    wanted = (model.plan.keeps_rows and model.plan.rows_per_window) or model.keeps_answers(name)
    kept = without_marks(without_usage(table)).append_column(HASH, pa.array(hashes)) if wanted else None
    for number, (start, profile) in enumerate(zip(panes.tolist(), profiles, strict=True)):
        key = (name, int(start))
        before: Profile | None = model.panes.get(key)
        model.panes[key] = profile if before is None else before + profile
        intake.panes.add(key)
        if kept is not None:
            intake.rows[key] = kept if len(panes) == 1 else kept.filter(pa.array(place == number))


def watermark(model: Model, reached: Mapping[int, Instant]) -> Instant:
    """Return the watermark: how far the slowest source has come, less the lateness; it never goes back.

    Parameters
    ----------
    reached: the newest event time of each source that counts; of one that is not read to its end, that of its
        slowest file.
    """
    if not reached:
        return model.closed
    return max(model.closed, min(reached.values()) - microseconds(model.plan.window.lateness))
