"""Counts rows in the bins that production freezes: the reference is compiled as ``driftline run`` compiles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from benchmarks.drift.sheet import Sheet, level_names
from monitor.bins import CategoryBins
from monitor.calibration.arrays import Floats, Ints
from monitor.calibration.channels import Feature
from monitor.calibration.engine import Engine, compile_engine
from monitor.calibration.engine import Steps as EngineSteps
from monitor.comparison import DriftSettings
from monitor.instant import SECOND
from monitor.record_layout import ColumnsSettings
from monitor.reference import Reference, ReferencePlan, compile_reference
from monitor.window import WindowSettings

_STEP = 3_600 * SECOND
_WINDOW = WindowSettings(length=timedelta(hours=1), every=timedelta(hours=1), min_rows=1)


@dataclass(frozen=True, slots=True, eq=False)
class Bin:
    """One watched column: its name, the coarse bin of each of its cells, and how its values find a cell."""

    name: str
    place: int
    fold: Ints
    levels: Ints | None

    @property
    def size(self) -> int:
        """Return the number of coarse bins."""
        return int(self.fold[-1]) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """A reference that was compiled, and the bins of its columns that can be watched."""

    reference: Reference
    bins: tuple[Bin, ...]

    def count(self, sheet: Sheet) -> tuple[tuple[Ints, ...], Ints]:
        """Return the rows by step and bin, (steps, bins) a column, and those without a value, (steps, columns)."""
        cells = [self._cells(sheet.columns[one.name], one) for one in self.bins]
        counts = tuple(_by_step(sheet, cell, one.size) for cell, one in zip(cells, self.bins, strict=True))
        missing = [np.bincount(sheet.step[cell < 0], minlength=sheet.steps) for cell in cells]
        return counts, np.stack(missing, axis=1)

    def _cells(self, values: Floats, one: Bin) -> Ints:
        """Return the coarse bin of each row, -1 where it has no value."""
        has = ~np.isnan(values)
        found = np.full(len(values), -1, np.int64)
        if one.levels is not None:
            found[has] = one.levels[values[has].astype(np.intp)]
        else:
            bins = self.reference.binning.columns[one.place].bins
            if bins is None or isinstance(bins, CategoryBins):
                raise ValueError(f"column {one.name} is no number in the reference: cast it")
            found[has] = one.fold[bins.cells(values[has])]
        return found


def _by_step(sheet: Sheet, cell: Ints, size: int) -> Ints:
    has = cell >= 0
    return np.bincount(sheet.step[has] * size + cell[has], minlength=sheet.steps * size).reshape(sheet.steps, size)


def compiled(reference: Sheet) -> Counter:
    """Freeze the bins of a reference."""
    plan = ReferencePlan("binary", ColumnsSettings(), _WINDOW, DriftSettings())
    done = compile_reference(table_of(reference), reference.step * _STEP, plan)
    found = []
    for place, (watched, fold) in enumerate(zip(done.binning.columns, done.folds, strict=True)):
        name, bins = watched.column.name, watched.bins
        if bins is None or fold is None:
            continue
        levels = bins.cells([*reference.levels[name], "new"]) if isinstance(bins, CategoryBins) else None
        found.append(Bin(name, place, fold, levels))
    return Counter(done, tuple(found))


def engine_of(counter: Counter, threshold: float, periods: Sequence[int]) -> Engine:
    """Compile the engine from the reference's own steps, as the judge of a model version does."""
    steps = counter.reference.steps
    if steps is None:
        raise ValueError("a reference without times has no steps")
    features = [Feature(one.name, "numeric" if one.levels is None else "category") for one in counter.bins]
    places = [one.place for one in counter.bins]
    counts = tuple(steps.counts[place] for place in places)
    return compile_engine(features, EngineSteps(steps.times, counts, steps.missing[:, places]), threshold, periods)


def table_of(sheet: Sheet) -> pa.Table:
    """Return the rows as a table, categories in words."""
    return pa.table({name: _array(sheet, name) for name in sheet.columns})


def _array(sheet: Sheet, name: str) -> pa.Array:
    values = sheet.columns[name]
    if name in sheet.levels:
        words = pa.array(level_names(sheet.levels[name], np.arange(len(sheet.levels[name]) + 1.0)))
        return words.take(pa.array(np.nan_to_num(values).astype(np.int64), mask=np.isnan(values)))
    return pa.array(values, mask=np.isnan(values))
