"""The references of a model: one for all versions, or one a version.

Each version has its own where the path names ``{version}``, or where the config has a map by version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from glob import escape, glob
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.errors import MonitorError, ReferenceUnusable
from monitor.history import History, latency_history, step_length, volume_history
from monitor.instant import from_text
from monitor.judge import Judge, compile_judge
from monitor.pipeline.habits import usual_of
from monitor.pipeline.plan import ModelPlan
from monitor.record import Kind, Layout
from monitor.reference import compile_reference
from monitor.scorer import Scorer, compile_scorer
from monitor.sources.tables import read_table
from monitor.usual import LATENCY, VOLUME

_SLOT = "{version}"
Stamp: TypeAlias = tuple[int, ...] | None
"""What changes with a file: inode, size and times; ``None`` where it cannot be looked at."""


class References:
    """Compiles each reference once, when :meth:`refresh` first finds its file."""

    def __init__(self, plan: ModelPlan) -> None:
        self._plan = plan
        self._judges: dict[str, Judge] = {}
        self._scorers: dict[str, Scorer | None] = {}
        self.faults: dict[str, MonitorError] = {}
        """Why the reference of a version cannot be used, by version."""
        self._tried: dict[str, Stamp] = {}

    @property
    def per_version(self) -> bool:
        """Say whether each version has a reference of its own."""
        settings = self._plan.reference
        return isinstance(settings, Mapping) or _SLOT in settings.path

    def path(self, version: str) -> Path:
        """Return where the reference of a version lies; a version's name is percent-encoded in it."""
        return self._plan.root / reference_path(self._plan, version)

    def known(self) -> list[str]:
        """Return the versions whose reference lies there, in order; "" where one serves all."""
        settings = self._plan.reference
        if isinstance(settings, Mapping):
            return sorted(version for version in settings if self.path(version).exists())
        if not self.per_version:
            return [""]
        head, _, tail = str(self._plan.root / settings.path).partition(_SLOT)
        found = glob(f"{escape(head)}*{escape(tail)}")  # noqa: PTH207 - Path.glob cannot escape what stands before
        return sorted(unquote(name[len(head) : len(name) - len(tail)]) for name in found)

    def refresh(self, *, strict: bool = False) -> bool:
        """Compile the references that are new, and say whether there were any; one that is gone has no fault left.

        Raises
        ------
        MonitorError: with ``strict``, the first that cannot be used; else it is kept in ``faults``.
        """
        known = self.known()
        self.faults = {version: error for version, error in self.faults.items() if version in known}
        new = [version for version in known if version not in self._judges and self._changed(version)]
        for version in new:
            try:
                self._judges[version], self._scorers[version] = load_reference(self._plan, self.path(version))
                self.faults.pop(version, None)
            except MonitorError as error:
                if strict:
                    raise
                self.faults[version] = error
        return any(version in self._judges for version in new)

    def _changed(self, version: str) -> bool:
        """Say whether a file that could not be used is another since: a large one is not read every second."""
        stamp = _stamp(self.path(version))
        tried, self._tried[version] = self._tried.get(version) if version in self.faults else None, stamp
        return stamp is None or stamp != tried

    def judge(self, version: str) -> Judge | None:
        """Return the judge of a version; ``None`` while it has no reference that can be used."""
        return self._judges.get(version if self.per_version else "")

    def scorer(self, version: str) -> Scorer | None:
        """Return what scores a version; ``None`` where its performance cannot be told, or there is no reference."""
        return self._scorers.get(version if self.per_version else "")

    def layouts(self) -> tuple[Layout, Layout] | None:
        """Return the layouts of records and targets that the compiled references imply together."""
        judges = [self._judges[version] for version in sorted(self._judges)]
        if not judges:
            return None
        columns = [column for judge in reversed(judges) for column in judge.reference.layout.columns]
        columns.sort(key=lambda column: column.kind is not Kind.CONSTANT)  # one value, or none, tells no type
        merged = {column.name: column for column in columns}
        first = judges[0].reference
        resources = {name: path for judge in reversed(judges) for name, path in judge.reference.layout.resources}
        layout = replace(first.layout, columns=tuple(merged.values()), resources=tuple(resources.items()))
        return layout, first.targets


def reference_path(plan: ModelPlan, version: str) -> str:
    """Return the path of a version's reference as the config has it.

    Raises
    ------
    KeyError: the map by version has no such version.
    """
    settings = plan.reference
    one = settings[version] if isinstance(settings, Mapping) else settings
    return one.path.replace(_SLOT, quote(version, safe=""))


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def load_judge(plan: ModelPlan, path: Path) -> Judge:
    """Read and compile a reference file."""
    return load_reference(plan, path)[0]


def load_reference(plan: ModelPlan, path: Path) -> tuple[Judge, Scorer | None]:
    """Read and compile a reference file; see :func:`monitor.scorer.compile_scorer`."""
    table = read_table(path)
    times = _times(table, plan.columns.timestamp)
    reference = compile_reference(table, times, plan.reference_plan)
    scorer = compile_scorer(table, times, reference, plan.scoring_plan)
    judge = compile_judge(reference, plan.drift, plan.alerts, plan.window, plan.quality)
    return replace(judge, usual=usual_of(_histories(table, times, plan), plan)), scorer


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
