"""Which streams are looked at while the engine is being made, and which judge it once it is done.

The judging streams share neither a set nor a seed with the design streams, but for the flights that faults are put
into: bars were set for them. An engine that was changed because of a
judging stream is no longer judged by it: name others then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.drift.faults import SIZES, SYMMETRIC, Fault
from benchmarks.drift.real import SETS, Shuffled, load
from benchmarks.drift.tables import DELAY_BARS
from benchmarks.drift.worlds import Simulation, World

N = 8640.0
"""Steps between two pages that are promised: an hour's steps, a page a year."""
SHORT = 500.0
"""The same where windows are too large, or columns too many, for streams of many thousands."""
Side = Literal["design", "judging"]

IID = World("iid", reference=10)
WORLDS = {
    world.name: world
    for world in (
        IID,
        World("iid, windows of 200", rows=200, reference=50),
        World("iid, windows of 10,000", rows=10_000, reference=10),
        World("iid, windows of 100,000", rows=100_000, reference=5),
        World("iid, 100 columns", columns=100, reference=20),
        World("iid, 200 columns", columns=200, reference=20),
        World("AR .7", wobble=0.1, phi=0.7),
        World("AR .95", wobble=0.1, phi=0.95),
        World("AR .7, day and week", wobble=0.1, phi=0.7, season=0.2),
        World("t3 shocks", wobble=0.1, phi=0.7, heavy=True),
    )
}


@dataclass(frozen=True, slots=True)
class Null:
    """A stream in which nothing drifts.

    Attributes
    ----------
    source: of a world or a real set.
    again: of a real set: its units drawn with replacement, ``steps`` in all; else each unit that is no reference once.
    """

    source: str
    seed: int
    steps: int = 0
    budget: float = N
    again: bool = False

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"{self.source}, {'drawn again' if self.again else 'in turn'}, seed {self.seed}"

    @property
    def real(self) -> bool:
        """Return whether it is of a real set."""
        return self.source not in WORLDS


@dataclass(frozen=True, slots=True)
class Search:
    """A fault put into a stream after ``calm`` steps, and watched for ``watched`` more."""

    source: str
    fault: Fault
    seed: int
    calm: int
    watched: int

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"{self.source}, {self.fault.name}, seed {self.seed}"


def history(source: str, seed: int, *, again: bool = False) -> Simulation | Shuffled:
    """Return a history of a world or a set."""
    return Simulation(WORLDS[source], seed) if source in WORLDS else Shuffled(load(source, SETS), seed, again)


_LONG = {"t3 shocks": 8640, "iid": 8640, "iid, windows of 200": 8640, "AR .95": 4320, "AR .7, day and week": 4320}
_LONG |= {"AR .7": 2160}
_GRID = {
    "iid, windows of 10,000": 500,
    "iid, windows of 100,000": 100,
    "iid, 100 columns": 500,
    "iid, 200 columns": 250,
}
"""Steps of each world on the judging side; the design side has a part of them."""
_SETS: dict[Side, tuple[str, ...]] = {
    "design": ("flights", "flights_by_clock", "weather"),
    "judging": ("electricity", "stops", "pizzas", "birds", "births", "glucose", "sea", "towns"),
}
_SEED: dict[Side, int] = {"design": 1, "judging": 1001}


def nulls(side: Side) -> tuple[Null, ...]:
    """Return the streams without drift of one side."""
    seed, judging = _SEED[side], side == "judging"
    found = [Null(name, seed, steps if judging else steps // 8) for name, steps in _LONG.items()]
    found += [Null(name, seed, steps if judging else steps // 4, SHORT) for name, steps in _GRID.items()]
    for name in _SETS[side]:
        found += [Null(name, seed + i) for i in range(4 if judging else 2)]
        found.append(Null(name, seed + 10, int(N), again=True))
    return tuple(found)


_REAL_FAULTS = (
    Fault("add", 5, "dep_delay"),
    Fault("add", 15, "dep_delay"),
    Fault("missing", 0.05, "air_time"),
    Fault("relabel", 0.5, "carrier"),
    Fault("unit", 1.0, "distance"),
    Fault("new level", 1.0, "carrier"),
    Fault("scale", 1.3, "arr_delay"),
)
_WATCHED = {"iid": 120, "AR .7, day and week": 160}
_HISTORIES, _MORE = 3, 6
"""On the judging side: of every fault; and more of one with a bar, since the median of three is left to chance."""


def searches(side: Side) -> tuple[Search, ...]:
    """Return the streams with a fault of one side."""
    first, judging = _SEED[side] + 20, side == "judging"
    faults = [Fault(kind, size, column) for kind, (column, sizes) in SIZES.items() for size in sizes]
    faults.append(Fault("trivial", 0.02, SYMMETRIC))
    worlds = [(world, faults, 24, most) for world, most in _WATCHED.items()]
    worlds.append(("flights", list(_REAL_FAULTS), 216, 656))
    found = []
    for source, members, calm, watched in worlds:
        barred = [one for one in members if (source, one.kind, one.size) in {bar[:3] for bar in DELAY_BARS}]
        for at in range(_HISTORIES + _MORE if judging else 1):
            asked = members if at < _HISTORIES else barred
            found += [Search(source, fault, first + at, calm, watched) for fault in asked]
    return tuple(found)
