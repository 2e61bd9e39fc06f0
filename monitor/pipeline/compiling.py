"""A reference is read and compiled: a file, or the rows of the stream that were frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.apart.ground import ground_of
from monitor.by_values import values_of_reference
from monitor.errors import ReferenceUnusable
from monitor.history import History, latency_history, step_length, volume_history
from monitor.instant import from_text
from monitor.judge import Judge, Parts, compile_judge
from monitor.performance.estimate.regression_estimator import FitRegression, fit_regression
from monitor.pipeline.habits import usual_of
from monitor.pipeline.plan import ModelPlan
from monitor.record import TEXTS, WHOLE
from monitor.reference import Reference, compile_references
from monitor.scorer import Scorer, compile_scorer
from monitor.segments import Segmentation
from monitor.sources.tables import read_table
from monitor.sources.whole import in_tables, table_of
from monitor.store.rows import concat
from monitor.usual import LATENCY, VOLUME


def load_judge(plan: ModelPlan, path: Path) -> Judge:
    """Read and compile a reference file."""
    return load_reference(plan, path)[0]


def load_reference(plan: ModelPlan, path: Path, fit: FitRegression = fit_regression) -> tuple[Judge, Scorer | None]:
    """Read and compile a reference file; see :func:`monitor.scorer.compile_scorer`."""
    table = read_table(path)
    return _compiled(plan, table, _times(table, plan.columns.timestamp), None, fit)


def _compiled(
    plan: ModelPlan, table: pa.Table, times: NDArray[np.int64] | None, period: int | None, fit: FitRegression
) -> tuple[Judge, Scorer | None]:
    reference, cuts = compile_references(table, times, plan.reference_plan)
    scorer = compile_scorer(table, times, reference, plan.scoring_plan, tuple(cut for cut, _ in cuts), fit)
    judge = compile_judge(reference, plan.drift, plan.alerts, plan.window, plan.quality, period)
    parts = tuple(_parts(cut, references, plan, period) for cut, references in cuts)
    ground = ground_of(reference, (table, times), plan.drift, plan.columns)
    values = values_of_reference(reference, table, (plan.drift, plan.columns, plan.window), plan.rows_per_window)
    usual = usual_of(_histories(table, times, plan), plan)
    return replace(judge, usual=usual, ground=ground, values=values, parts=parts), scorer


def _parts(cut: Segmentation, references: Sequence[Reference], plan: ModelPlan, period: int | None) -> Parts:
    """Return what judges the segments of a column or pair: each is held to its own rows of the reference."""
    return Parts(cut, tuple(_part(cut, reference, plan, period) for reference in references))


def _part(cut: Segmentation, reference: Reference, plan: ModelPlan, period: int | None) -> Judge | None:
    if reference.rows < plan.window.min_rows:
        return None
    try:
        without = *cut.columns, *(name for name, own in plan.drift.columns.items() if own.by_evidently)
        return compile_judge(reference, plan.drift, plan.alerts, plan.window, plan.quality, period, without=without)
    except ReferenceUnusable:
        return None


def _histories(table: pa.Table, times: NDArray[np.int64] | None, plan: ModelPlan) -> dict[str, History | None]:
    """Return the reference's own volumes and latencies by step; none without timestamps."""
    if times is None or not len(times):
        return {}
    step, name = step_length(plan.window), plan.columns.latency
    found = {VOLUME: volume_history(times, step)}
    if name is not None and name in table.column_names and is_number(table[name].type):
        milliseconds = table[name].cast(pa.float64()).fill_null(np.nan).to_numpy()
        found[LATENCY] = latency_history(times, milliseconds / 1000.0, step, plan.window.min_rows)
    return found


def is_number(type_: pa.DataType) -> bool:
    """Say whether an Arrow type is one of numbers."""
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))


def frozen_reference(
    plan: ModelPlan, rows: pa.Table, period: int | None = None, fit: FitRegression = fit_regression
) -> tuple[Judge, Scorer | None]:
    """Compile the rows of the stream that were frozen, as a file of them would be.

    Parameters
    ----------
    period: of a season to look for beside day and week, in microseconds.

    Raises
    ------
    MonitorError: they cannot be used.
    """
    parts = [_read(rows.filter(pc.equal(rows[TEXTS], pa.scalar(texts))), texts=texts) for texts in (False, True)]
    table = concat([part for part, _ in parts if part.num_rows])
    times = np.concatenate([times for part, times in parts if part.num_rows])
    return _compiled(plan, table, times, period, fit)


def _read(rows: pa.Table, *, texts: bool) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return rows as a table, and their event times; without those in which a key came twice, where there are some."""
    records = rows[WHOLE].to_pylist()
    if not records:
        return pa.table({}), np.empty(0, np.int64)
    try:
        table = table_of(records, texts=texts)
    except ReferenceUnusable:
        fits = in_tables(records)
        if all(fits) or not any(fits):
            raise
        return _read(rows.filter(pa.array(fits)), texts=texts)
    return table, np.asarray(rows["timestamp"].to_numpy(), dtype=np.int64)


def _times(table: pa.Table, name: str) -> NDArray[np.int64] | None:
    """Return the event times of a reference, or ``None`` if it has none.

    Raises
    ------
    ReferenceUnusable: the column is there, but is not all instants.
    """
    if name not in table.column_names:
        return None
    array = table[name].combine_chunks()
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us")).cast(pa.int64())
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = _parsed(array)
    if array.null_count or not pa.types.is_integer(array.type):
        raise ReferenceUnusable(
            "E164", f'the reference\'s column "{name}" is not all instants', "expected e.g. 2013-07-01T09:15:00Z"
        )
    return np.asarray(array.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def _parsed(array: pa.Array) -> pa.Array:
    try:
        return pc.cast(array, pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        return pa.array([_instant(text) for text in array.to_pylist()], pa.int64())


def _instant(text: str | None) -> int | None:
    try:
        return None if text is None else from_text(text)
    except ValueError:
        return None
