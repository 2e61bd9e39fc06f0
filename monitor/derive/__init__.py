"""Every derivation: what a reference's columns are watched by besides their own values. One derivation a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.comparison import DriftSettings
from monitor.derive import circular, identifier, instant, joint, support, text, vector
from monitor.derived import TIMESTAMP, Fitted, Ground
from monitor.profile import ColumnBins
from monitor.record import Role

Compile = Callable[[Ground, DriftSettings], Iterable[Fitted]]
"""From a reference and the settings to the derivations that apply: none where nothing asks for one."""

DERIVATIONS: tuple[Compile, ...] = (
    circular.compile_all,
    vector.compile_all,
    text.compile_all,
    instant.compile_all,
    identifier.compile_all,
    support.compile_all,
    joint.compile_all,
)


def derive(
    table: pa.Table, times: NDArray[np.int64] | None, columns: Sequence[ColumnBins], drift: DriftSettings
) -> list[Fitted]:
    """Compile every derivation that a reference's columns and the settings ask for.

    Parameters
    ----------
    table: the reference's columns by key, in order of time; n rows.
    times: event times in microseconds, shape (n,), or ``None``.
    """
    if times is not None:
        table = table.append_column(TIMESTAMP, pa.array(times))
    ground = Ground(table, tuple(each for each in columns if each.column.role is not Role.ATTRIBUTION))
    return [found for compile_ in DERIVATIONS for found in compile_(ground, drift)]
