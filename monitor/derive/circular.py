"""Numbers on a circle, such as an hour or a direction: their cosine and sine.

On a circle the ends meet: 23:50 and 00:10 are near. Cosine and sine of the angle say so, and their means are the
resultant vector, by which directions are compared (Mardia & Jupp 2000, Directional Statistics, section 2.2).
The angle is cut to 1/4,096 of the circle, whose cosines stand in a table: no last bit depends on where a row stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitor.bins import Floats, NumericBins
from monitor.comparison import DriftSettings
from monitor.derived import Fitted, Ground, Values, facet, fitted
from monitor.profile import numbers
from monitor.record import Kind

STEPS = 4096
_ANGLES = (np.arange(STEPS) + 0.5) * (2 * np.pi / STEPS)
_COSINES, _SINES = (np.rint(table * 2.0**30) / 2.0**30 for table in (np.cos(_ANGLES), np.sin(_ANGLES)))
FACETS = ("cos", "sin")


@dataclass(frozen=True, slots=True)
class Frozen:
    """Where the numbers stand, and how far it is around."""

    key: str
    period: float

    def __call__(self, table: pa.Table) -> Values:
        """Return the facets of rows."""
        return on_circle(numbers(table.column(self.key).combine_chunks()), self.period)


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the derivation of every numeric column with a setting ``circular``."""
    for watched in ground.columns:
        period = drift.own(watched.column).circular
        if period is None or not isinstance(watched.bins, NumericBins):
            continue
        columns = [facet(watched.column, name, Kind.NUMERIC) for name in FACETS]
        yield fitted(columns, Frozen(watched.column.key, period), ("circular", period), ground.table)


def on_circle(values: Floats, period: float) -> Values:
    """Return cosine and sine of values (n,) as angles of a circle of this period; null where one is not finite.

    >>> [round(array[0].as_py(), 3) for array in on_circle(np.array([6.0]), 24)]
    [-0.001, 1.0]
    """
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        part = np.where(finite, values, 0.0) / period % 1.0
    place = np.minimum((part * STEPS).astype(np.intp), STEPS - 1)
    return [pa.array(table[place], mask=~finite) for table in (_COSINES, _SINES)]
