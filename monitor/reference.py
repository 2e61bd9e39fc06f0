"""The reference, compiled once: columns and their kinds, frozen bins, its own profile, and its steps in time.

A *step* is what the decision engine is fed: the disjoint stretch of length ``every``; one with fewer than
``min_rows`` rows joins the next. The reference is cut into steps by the same rule as the stream, so that its
steps show how much such a step varies when nothing drifts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator

from monitor.binned import binned
from monitor.comparison import DriftSettings
from monitor.derive import derive
from monitor.derived import Derivation, appended, widen
from monitor.errors import ReferenceUnusable
from monitor.fingerprint import fingerprint
from monitor.folds import fold_counts, fold_of
from monitor.instant import Instant, microseconds
from monitor.kinds import infer_kind
from monitor.lone import hold_out
from monitor.profile import Binning, Integers, Profile, profile_rows, watchable
from monitor.record import Column, Kind, Layout, Role
from monitor.record_layout import (
    ColumnsSettings,
    answer_paths,
    feature_names,
    log_path,
    record_layout,
    refuse_repeated,
    resource_paths,
    target_layout,
    usual_target_layout,
)
from monitor.repeats import with_ids
from monitor.settings import Settings
from monitor.step_facts import StepFacts, joined_facts, step_facts
from monitor.tally import Tally, no_tallies
from monitor.usual_range import Ranges, usual_ranges
from monitor.window import WindowSettings, join_steps

_MOST_ROWS = 1_000_000  # of the stream, which are held until there are enough
_CELLS_AT_ONCE = 2_000_000
"""Counts held at one time while the reference is profiled by steps: 16 MB."""


class ReferenceSettings(Settings):
    """What the stream is compared with."""

    path: str | None = Field(
        None,
        description='Parquet, CSV or JSONL; "{version}" in it stands for the model version, so that each has its own',
    )
    rows: int | None = Field(
        None, ge=1, le=_MOST_ROWS, description="instead of path: the first so many rows of each version, frozen then"
    )

    @model_validator(mode="after")
    def _is_one(self) -> ReferenceSettings:
        if (self.path is None) == (self.rows is None):
            raise ValueError("give one of path and rows")
        return self


@dataclass(frozen=True, slots=True)
class Steps:
    """The reference by steps, in time; B steps, F columns.

    Attributes
    ----------
    times: the number of each step's last stretch of length ``every`` since 1970, int64 (B,).
    rows: int64 (B,).
    counts: for each column, rows by coarse bin, int64 (B, bins).
    missing: int64 (B, F).
    facts: what else the steps show of the data's quality.
    """

    times: Integers = field(repr=False)
    rows: Integers = field(repr=False)
    counts: tuple[Integers, ...] = field(repr=False)
    missing: Integers = field(repr=False)
    facts: StepFacts = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A compiled reference.

    Attributes
    ----------
    id: fingerprint of data and settings.
    first, last: event times of its rows, or ``None`` without timestamps.
    folds: for each column the coarse bin of each cell, ``None`` where it has no cells.
    steps: ``None`` without timestamps.
    derivations: what gives the derived columns of the binning, which stand after those of the layout.
    fine: counts (B, cells) of the columns whose method reads cells, by name, in the smallest integers that hold them.
    """

    id: str
    rows: int
    first: Instant | None
    last: Instant | None
    layout: Layout
    targets: Layout
    binning: Binning = field(repr=False)
    profile: Profile = field(repr=False)
    folds: tuple[NDArray[np.intp] | None, ...] = field(repr=False)
    steps: Steps | None = field(repr=False)
    fine: Mapping[str, Integers] = field(repr=False)
    derivations: tuple[Derivation, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Return the watched columns, the derived ones among them, in order."""
        return tuple(watched.column for watched in self.binning.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the watched columns, in order."""
        return tuple(column.name for column in self.all_columns)

    def widened(self, table: pa.Table) -> pa.Table:
        """Return canonical rows with the derived columns that the binning counts."""
        return widen(table, self.derivations)


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """All that shapes a reference besides its rows."""

    task: str
    columns: ColumnsSettings
    window: WindowSettings
    drift: DriftSettings
    fine_methods: frozenset[str] = frozenset()
    """Methods that read cells: their columns' cells are kept by step."""
    resources: tuple[str, ...] = ()
    """Resources that objectives name: they are read even where the reference holds none. They shape no reference."""
    tallies: Callable[[Sequence[Column], Ranges], tuple[Tally, ...]] = no_tallies
    """What is tallied of the rows, given columns and usual ranges; no part of the fingerprint."""

    def words(self) -> list[str]:
        """Return all settings as text."""
        columns = self.columns.model_dump_json(exclude={"error", "resources"})
        return [self.task, columns, *(part.model_dump_json() for part in (self.window, self.drift))]


def compile_reference(table: pa.Table, times: NDArray[np.int64] | None, plan: ReferencePlan) -> Reference:
    """Freeze the bins of every column, and profile the reference by steps.

    Parameters
    ----------
    table: the rows, nested objects flattened with dots; n rows.
    times: event times in microseconds, shape (n,), or ``None``: then the promise cannot be calibrated.

    Raises
    ------
    ReferenceUnusable: no row, or no column to watch.
    ColumnUnknown, ColumnRepeated: the config names a column that is nowhere, or two with one name.
    """
    if not table.num_rows:
        raise ReferenceUnusable("E163", "the reference has no rows", "point reference.path at a file with rows")
    if times is not None:
        order = np.argsort(times, kind="stable")
        table, times = table.take(pa.array(order)), times[order]
    layout, canonical = _canonical(table, plan)
    columns = binned(canonical, layout.columns)
    derived = derive(canonical, times, columns, plan.drift)
    wide, added = appended(canonical, derived)
    refuse_repeated(column.name for column in (*layout.columns, *added))
    wide, binning = hold_out(wide, Binning((*columns, *binned(wide, added))))
    binning = replace(binning, tallies=plan.tallies(layout.columns, usual_ranges(canonical, layout.columns)))
    wide = with_ids(wide, table[plan.columns.id] if plan.columns.id in table.column_names else None)
    derivations = tuple(each.derivation for each in derived)
    whole = _counted(wide, binning, np.zeros(table.num_rows, np.intp), 1)[0]
    folds = tuple(fold_of(watched.bins, whole.counts[span]) for watched, span in binning.spans())
    steps, fine = (None, {}) if times is None else _steps(wide, times, binning, folds, plan)
    return Reference(
        fingerprint(canonical, times, plan.words(), [each.spec for each in derivations]),
        table.num_rows,
        int(times[0]) if times is not None else None,
        int(times[-1]) if times is not None else None,
        layout,
        _target_layout(table, plan),
        binning,
        whole,
        folds,
        steps,
        fine,
        derivations,
    )


def _target_layout(table: pa.Table, plan: ReferencePlan) -> Layout:
    path = plan.columns.target
    if path is None or path not in table.column_names:
        return usual_target_layout(plan.task, plan.columns)
    kind, coded = infer_kind(table[path], Role.TARGET, plan.task)
    return target_layout(Kind.CATEGORICAL if kind is Kind.CONSTANT else kind, plan.columns, coded=coded)


def _canonical(table: pa.Table, plan: ReferencePlan) -> tuple[Layout, pa.Table]:
    """Return the layout that the reference's columns imply, and those columns under their names."""
    features = feature_names(table.column_names, plan.columns)
    paths = [(name, path, Role.FEATURE) for name, path in features.items()]
    paths += answer_paths(table.column_names, plan.columns)
    if not paths:
        raise ReferenceUnusable("E165", "the reference has no column to watch", "name features under columns")
    refuse_repeated(name for name, _, _ in paths)
    refuse_repeated(name for name in table.column_names if name in {path for _, path, _ in paths})
    columns = []
    for name, path, role in paths:
        kind, coded = infer_kind(table[path], role, plan.task)
        found = log_path(path, plan.columns) if role is Role.FEATURE else path
        columns.append(Column(name, found, role, kind, coded))
    layout = record_layout(columns, plan.columns, resource_paths(table.column_names, plan.columns, plan.resources))
    arrays = [_cast(table[path], column) for (_, path, _), column in zip(paths, columns, strict=True)]
    return layout, pa.table(arrays, names=[column.key for column in columns])


def _cast(array: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    return array.cast(column.type, safe=False) if watchable(column.kind) else array


def _steps(
    table: pa.Table,
    times: NDArray[np.int64],
    binning: Binning,
    folds: Sequence[NDArray[np.intp] | None],
    plan: ReferencePlan,
) -> tuple[Steps, dict[str, Integers]]:
    every = microseconds(plan.window.every)
    number = times // every
    stretches, first = np.unique(number, return_index=True)
    joined = join_steps(np.diff(np.append(first, len(times))), plan.window.min_rows)
    fine_names = {
        watched.column.name
        for watched in binning.columns
        if plan.drift.method_of(watched.column.name, watched.column.kind) in plan.fine_methods
    }
    coarse: list[list[Integers]] = [[] for _ in folds]
    fine: dict[str, list[Integers]] = {name: [] for name in fine_names}
    rows, missing, facts = [], [], []
    for a, b in _spans(len(joined) - 1, binning.offsets[-1]):
        profiles = _profiled(table, number, stretches, joined, (a, b), binning)
        rows += [profile.rows for profile in profiles]
        missing += [profile.absent for profile in profiles]
        facts.append(step_facts(profiles, binning))
        for place, (watched, span) in enumerate(binning.spans()):
            cells = np.stack([profile.counts[span] for profile in profiles])
            coarse[place].append(fold_counts(cells, folds[place]))
            if watched.column.name in fine:
                fine[watched.column.name].append(cells.astype(np.min_scalar_type(int(cells.max(initial=0)))))
    counts = tuple(np.concatenate(parts) for parts in coarse)
    steps = Steps(stretches[joined[1:] - 1], np.array(rows, np.int64), counts, np.stack(missing), joined_facts(facts))
    return steps, {name: np.concatenate(parts) for name, parts in fine.items()}


def _spans(steps: int, cells: int) -> list[tuple[int, int]]:
    """Cut the steps into runs that are profiled at once, so that memory stays bounded."""
    at_once = max(_CELLS_AT_ONCE // max(cells, 1), 1)
    return [(a, min(a + at_once, steps)) for a in range(0, steps, at_once)]


def _profiled(
    table: pa.Table,
    number: NDArray[np.int64],
    stretches: NDArray[np.int64],
    joined: NDArray[np.intp],
    run: tuple[int, int],
    binning: Binning,
) -> list[Profile]:
    a, b = run
    start = int(np.searchsorted(number, stretches[joined[a]]))
    end = int(np.searchsorted(number, stretches[joined[b] - 1], side="right"))
    place = np.searchsorted(stretches, number[start:end])
    step = np.searchsorted(joined, place, side="right") - 1 - a
    return _counted(table.slice(start, end - start), binning, step.astype(np.intp), b - a)


def _counted(table: pa.Table, binning: Binning, panes: NDArray[np.intp], number: int) -> list[Profile]:
    """Profile rows of the reference; in a derived column NaN marks one that was learnt from, which is not missing."""
    own = np.array([watched.column.parent is None for watched in binning.columns])
    profiles = profile_rows(table, binning, panes, number)
    return [replace(profile, nonfinite=profile.nonfinite * own) for profile in profiles]
