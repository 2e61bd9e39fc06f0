"""The rows that are kept for reports and retraining: of each window those with the smallest hash of their id.

They are written before the transaction that names them, so that a crash leaves at most a file without a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from monitor.instant import Instant, microseconds
from monitor.pipeline.intake import HASH, Intake
from monitor.pipeline.model import Model
from monitor.sampling import lowest
from monitor.store.segment import Segment, write_segment

_HIDDEN = (HASH,)


def keep_rows(directory: Path, model: Model, intake: Intake) -> Iterator[Segment]:
    """Write a batch's rows that may be among the window's kept ones, and yield each segment written, one a version."""
    chosen: dict[str, list[pa.Table]] = {}
    first: dict[str, Instant] = {}
    for (version, pane), table in sorted(intake.rows.items()):
        chosen.setdefault(version, []).append(_lowest(table, model.plan.rows_per_window))
        first.setdefault(version, pane)
    for version, tables in chosen.items():
        yield write_segment(directory, model.plan.name, version, first[version], pa.concat_tables(tables))


def _lowest(table: pa.Table, most: int) -> pa.Table:
    return table.take(pa.array(lowest(_hashes(table), most)))


def _hashes(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.asarray(table[HASH].to_numpy(), dtype=np.uint64)


def kept_of(tables: Iterable[pa.Table], every: int, most: int) -> Iterable[pa.Table]:
    """Yield the rows that are kept, window by window, without their hash.

    Parameters
    ----------
    tables: rows with ``timestamp`` and their hash, in any cut.
    every: length of a window's step in microseconds; ``most``: rows kept of each.
    """
    whole = pa.concat_tables(list(tables), promote_options="permissive")
    steps = np.asarray(whole["timestamp"].to_numpy(), dtype=np.int64) // every
    for step in np.unique(steps):
        yield _lowest(whole.filter(pa.array(steps == step)), most).drop_columns(list(_HIDDEN))


def window_step(model: Model) -> int:
    """Return the stretch of event time of which ``rows_per_window`` rows are kept."""
    return microseconds(model.plan.window.every)
