"""The reference, compiled once: columns and their kinds, frozen bins, its own profile, and its steps in time.

A *step* is what the decision engine is fed: the disjoint stretch of length ``every``; one with fewer than
``min_rows`` rows joins the next. The reference is cut into steps by the same rule as the stream, so that its
steps show how much such a step varies when nothing drifts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
from monitor.folds import fold_of
from monitor.instant import Instant
from monitor.kinds import infer_kind
from monitor.lone import hold_out
from monitor.profile import Binning, Integers, Profile, watchable
from monitor.record import Column, Kind, Layout, Role
from monitor.record_layout import (
    ColumnsSettings,
    answer_paths,
    attribution_paths,
    feature_names,
    log_path,
    record_layout,
    refuse_repeated,
    resource_paths,
    target_layout,
    usual_target_layout,
)
from monitor.reference_steps import Steps, counted, reference_steps
from monitor.repeats import with_ids
from monitor.segments import Segmentation, segmentations
from monitor.settings import Duration, Settings
from monitor.tally import Tally, no_tallies
from monitor.usual_range import Ranges, usual_ranges
from monitor.window import WindowSettings

_MOST_ROWS = 1_000_000  # of the stream, which are held until there are enough


class ReferenceSettings(Settings):
    """What the stream is compared with."""

    path: str | None = Field(
        None,
        description='Parquet, CSV or JSONL; "{version}" in it stands for the model version, so that each has its own',
    )
    rows: int | None = Field(
        None, ge=1, le=_MOST_ROWS, description="instead of path: the first so many rows of each version, frozen then"
    )

    rolling: Duration | None = Field(
        None, description="or: the stream's last such length, made anew each time it passed"
    )
    season: Duration | None = Field(None, description="or: its last eight such periods, made anew once a period")

    @model_validator(mode="after")
    def _is_one(self) -> ReferenceSettings:
        if sum(each is not None for each in (self.path, self.rows, self.rolling, self.season)) != 1:
            raise ValueError("give one of path, rows, rolling and season")
        return self


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
        unlike = {"error", "resources", "segments", "most_segments", "attributions"}
        columns = self.columns.model_dump_json(exclude=unlike)
        own = {"joint": {"classifier", "classifier_every"}}  # the classifier has an id of its own
        drift = self.drift.model_dump_json(exclude=own if self.drift.attributions else own | {"attributions": True})
        return [self.task, columns, self.window.model_dump_json(), drift]


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
    return compile_references(table, times, plan)[0]


def compile_references(
    table: pa.Table, times: NDArray[np.int64] | None, plan: ReferencePlan
) -> tuple[Reference, tuple[tuple[Segmentation, tuple[Reference, ...]], ...]]:
    """Compile a reference as :func:`compile_reference`, and that of every segment of its rows, in the same bins.

    Returns
    -------
    The whole; and by column or pair its segments, with the reference of each in their order.
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
    whole = Reference(
        id=fingerprint(canonical, times, plan.words(), [each.spec for each in derivations]),
        layout=layout,
        targets=_target_layout(table, plan),
        binning=binning,
        derivations=derivations,
        **_measured(wide, times, binning, plan),
    )
    cuts = segmentations(canonical, layout.columns, plan.columns.segments, plan.columns.most_segments)
    return whole, tuple((cut, _segments(whole, cut.codes(canonical), (wide, times), plan)) for cut in cuts)


def _segments(
    whole: Reference,
    codes: NDArray[np.intp],
    rows: tuple[pa.Table, NDArray[np.int64] | None],
    plan: ReferencePlan,
) -> tuple[Reference, ...]:
    """Return the reference of each segment; ``codes`` are the rows' segments."""
    wide, times = rows
    found = []
    for code in range(int(codes.max(initial=-1)) + 1):
        mine = np.flatnonzero(codes == code)
        part = wide.take(pa.array(mine)), None if times is None else times[mine]
        found.append(replace(whole, **_measured(*part, whole.binning, plan)))
    return tuple(found)


def _measured(wide: pa.Table, times: NDArray[np.int64] | None, binning: Binning, plan: ReferencePlan) -> dict[str, Any]:
    """Return what of a reference its rows tell, given its bins."""
    profile = counted(wide, binning, np.zeros(wide.num_rows, np.intp), 1)[0]
    folds = tuple(fold_of(watched.bins, profile.counts[span]) for watched, span in binning.spans())
    steps, fine = None, dict[str, Integers]()
    if times is not None:
        methods = [plan.drift.method_of(each.column.name, each.column.kind) for each in binning.columns]
        cells = [
            each.column.name
            for each, method in zip(binning.columns, methods, strict=True)
            if method in plan.fine_methods or each.column.role is Role.ATTRIBUTION
        ]
        steps, fine = reference_steps(wide, times, binning, folds, plan.window, cells)
    return {
        "rows": wide.num_rows,
        "first": int(times[0]) if times is not None else None,
        "last": int(times[-1]) if times is not None else None,
        "profile": profile,
        "folds": folds,
        "steps": steps,
        "fine": fine,
    }


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
    paths += [(path, path, Role.ATTRIBUTION) for path in attribution_paths(table.column_names, plan.columns)]
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
    arrays = [cast_column(table[path], column) for (_, path, _), column in zip(paths, columns, strict=True)]
    return layout, pa.table(arrays, names=[column.key for column in columns])


def cast_column(array: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Return a column of a reference's table as it stands in canonical rows."""
    return array.cast(column.type, safe=False) if watchable(column.kind) else array
