"""What a reference gives a classifier: rows to compare with, and steps of its own to learn what skill is usual.

The first third of the reference's steps is what every step is told from; each later one shows what skill a step has of
itself. The stream's steps are then compared with the very rows that the reference's own were compared with, so that
their skills are exchangeable where the steps are: no leaving out makes them unlike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.apart.skill import least_skill
from monitor.apart.values import taking_part, values_of, whole
from monitor.comparison import DriftSettings
from monitor.identity import digest_id
from monitor.instant import Instant, microseconds
from monitor.record import Column, Role
from monitor.record_layout import ColumnsSettings, feature_names
from monitor.reference import Reference, cast_column

ROWS = 1_000
"""So many rows of a step are learnt from."""
REFERENCE_ROWS = 2_000
LEAST_ROWS = 100
"""With fewer rows on a side a fold has no twenty of it."""
MOST_STEPS = 100
"""So many steps of the reference, the last, are compared: more would cost more than they tell."""
_USUAL = 0.8
"""A step may have so much fewer rows than all but the smallest of the reference, and is still compared."""
_SMALLEST = 0.05
_SEED = 11


@dataclass(slots=True, eq=False)
class Ground:
    """What steps of the stream are told from.

    Attributes
    ----------
    id: of all that shapes a skill. ``every``: length of a step in microseconds.
    columns: that take part. ``rows``: learnt from of each step; a step with fewer is not compared.
    known: rows of the reference's first third, a column each.
    sizes, steps: rows of its later steps, one after the other; ``None`` once their skills are known.
    least_skill: a smaller one does not matter.
    """

    id: str
    every: Instant
    columns: tuple[Column, ...]
    rows: int
    known: pa.Table = field(repr=False)
    sizes: tuple[int, ...]
    steps: pa.Table | None = field(repr=False)
    least_skill: float
    own: tuple[float, ...] | None = None
    """The skill at each of these steps, once it is known."""

    @property
    def usable(self) -> bool:
        """Say whether anything can be told from it."""
        return bool(self.columns) and self.known.num_rows >= LEAST_ROWS


def ground_of(
    reference: Reference,
    rows: tuple[pa.Table, NDArray[np.int64] | None],
    drift: DriftSettings,
    columns: ColumnsSettings,
) -> Ground | None:
    """Return what a reference gives; ``None`` where no classifier is asked for.

    Parameters
    ----------
    rows: the reference's table, and its event times in microseconds or ``None``: then there are no steps.
    """
    settings = drift.joint
    if not settings.classifier:
        return None
    table, times = rows
    every = microseconds(settings.classifier_every)
    watched = taking_part(reference.layout.columns)
    ident = digest_id("cl", reference.id, every, ROWS, REFERENCE_ROWS, MOST_STEPS)
    least = least_skill(drift.tolerance)
    none = Ground(ident, every, watched, LEAST_ROWS, pa.table({}), (), None, least)
    if times is None or not watched:
        return none
    order = np.argsort(times, kind="stable")
    number = times[order] // every
    places = [order[number == each] for each in np.unique(number)[1:-1]]  # the first and the last may be cut off
    first = len(places) // 3
    if first == 0:
        return none
    paths = feature_names(table.column_names, columns)
    size = _rows_of_a_step([len(each) for each in places])
    later = [drawn(each, size, place) for place, each in enumerate(places) if place >= first and len(each) >= size]
    later = later[-MOST_STEPS:]

    def taken(chosen: Sequence[NDArray[np.intp]]) -> pa.Table:
        part = table.take(pa.array(np.concatenate([*chosen, np.empty(0, np.intp)]).astype(np.int64)))
        return pa.table({each.key: values_of(each.kind, logged(part, each, paths)) for each in watched})

    known = taken([drawn(np.concatenate(places[:first]), REFERENCE_ROWS, -1)])
    return Ground(ident, every, watched, size, known, tuple(len(each) for each in later), taken(later), least)


def _rows_of_a_step(rows: Sequence[int]) -> int:
    usual = float(np.quantile(np.asarray(rows), _SMALLEST, method="lower"))
    return min(max(int(_USUAL * usual), LEAST_ROWS), ROWS)


def drawn(places: NDArray[np.intp], most: int, salt: int) -> NDArray[np.intp]:
    """Return at most so many places, drawn at random by a fixed seed, in their order."""
    if len(places) <= most:
        return places
    chosen = np.random.default_rng((_SEED, salt + 1)).choice(len(places), most, replace=False)
    return places[np.sort(chosen)]


def logged(table: pa.Table, column: Column, paths: dict[str, str]) -> pa.Array:
    """Return a column of a reference's table, in one piece, as it stands in canonical rows.

    Parameters
    ----------
    paths: where each feature stands in the table, by name.
    """
    path = paths[column.name] if column.role is Role.FEATURE else column.path
    return whole(cast_column(table[path], column))
