"""Real sets whose units (days or weeks) are shuffled: nothing drifts, but what is inside a unit stays.

The first two units in five of a permutation are the reference. The stream is the rest of it, or, where it has to be
long, units drawn with replacement from all of them. Permutations of one set share its days, so that intervals over
several are too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift.sheet import Sheet
from benchmarks.harness import RESULTS
from monitor.calibration.arrays import Floats, Ints

SETS = RESULTS / "drift" / "sets"
REFERENCE_RATIO = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class RealSet:
    """A set: its rows in order of unit and part, and where each step begins.

    ``edges``: the first row of each step, and the end of all, (units * parts + 1,).
    """

    name: str
    columns: dict[str, Floats]
    levels: dict[str, tuple[str, ...]]
    edges: Ints
    parts: int

    @property
    def units(self) -> int:
        """Return the number of units."""
        return (len(self.edges) - 1) // self.parts

    def sheet(self, units: Ints) -> Sheet:
        """Return the steps of some units, one after the other."""
        places = (units[:, np.newaxis] * self.parts + np.arange(self.parts)).reshape(-1)
        rows = np.diff(self.edges)[places]
        before = np.cumsum(rows) - rows
        step = np.repeat(np.arange(len(places)), rows)
        take = np.arange(rows.sum()) - before[step] + self.edges[places][step]
        return Sheet({name: values[take] for name, values in self.columns.items()}, self.levels, step, len(places))


def load(name: str, folder: Path = SETS) -> RealSet:
    """Read an exported set.

    Raises
    ------
    FileNotFoundError: it was not exported.
    """
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise FileNotFoundError(f"the set {name} is not exported; benchmarks/README.md says how")
    table = pq.read_table(path)
    return from_table(name, table)


def from_table(name: str, table: pa.Table) -> RealSet:
    """Return the set of a table with ``unit`` and ``part``, in their order."""
    unit, part = (table[key].to_numpy().astype(np.int64) for key in ("unit", "part"))
    parts = int(part.max()) + 1
    place = (unit - unit[0]) * parts + part
    whole = (int(place[-1]) // parts + 1) * parts
    columns, levels = {}, {}
    for key in table.column_names:
        if key in {"unit", "part"}:
            continue
        values = table[key].combine_chunks()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            coded = values.dictionary_encode()
            levels[key] = tuple(coded.dictionary.to_pylist())
            values = coded.indices
        columns[key] = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    return RealSet(name, columns, levels, np.searchsorted(place, np.arange(whole + 1)), parts)


@dataclass(slots=True)
class Shuffled:
    """One history of a set: the reference first, then as many units as are asked for.

    ``again``: draw them with replacement from all units, so that it never ends.
    """

    source: RealSet
    seed: int
    again: bool = False
    rng: np.random.Generator = field(init=False)
    order: Ints = field(init=False)
    taken: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.order = self.rng.permutation(self.source.units)

    @property
    def reference_units(self) -> int:
        """Return how many units are the reference."""
        return int(self.source.units * REFERENCE_RATIO)

    @property
    def left(self) -> int:
        """Return how many steps a stream without replacement has."""
        return (self.source.units - self.reference_units) * self.source.parts

    def reference(self) -> Sheet:
        """Return the reference."""
        self.taken = self.reference_units
        return self.source.sheet(self.order[: self.taken])

    def steps(self, number: int) -> Sheet:
        """Return at least so many next steps, in whole units."""
        units = -(-number // self.source.parts)
        if self.again:
            return self.source.sheet(self.rng.integers(self.source.units, size=units))
        chosen = self.order[self.taken : self.taken + units]
        self.taken += units
        return self.source.sheet(chosen)
