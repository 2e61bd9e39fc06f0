"""The rows that are kept for reports and retraining: of each window those with the smallest hash of their id.

They are written before the transaction that names them, so that a crash leaves at most a file without a name.
Which rows are kept of a window does not depend on how it was cut into batches, or on what was merged meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.instant import Instant, microseconds
from monitor.pipeline.intake import HASH, Intake
from monitor.pipeline.model import Model
from monitor.store.segment import Segment, write_segment


def keep_rows(directory: Path, model: Model, intake: Intake) -> Iterator[Segment]:
    """Write a batch's rows that may be among the window's kept ones, and yield each segment written, one a version."""
    if not (model.plan.keeps_rows and model.plan.rows_per_window):
        return
    chosen: dict[str, list[pa.Table]] = {}
    first: dict[str, Instant] = {}
    for (version, pane), table in sorted(intake.rows.items()):
        chosen.setdefault(version, []).append(_lowest(table, model.plan.rows_per_window))
        first.setdefault(version, pane)
    for version, tables in chosen.items():
        yield write_segment(directory, model.plan.name, version, first[version], pa.concat_tables(tables))


def kept_of(table: pa.Table, every: int, most: int) -> pa.Table:
    """Return the rows that are kept of each version and step, by time, then hash.

    Parameters
    ----------
    table: rows with ``timestamp``, ``version`` and their hash, in any order; of any stretch of time.
    every: length of a window's step in microseconds; ``most``: rows kept of each.
    """
    steps = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64) // every
    versions = table["version"].combine_chunks().dictionary_encode()
    codes = versions.indices.to_numpy(zero_copy_only=False)
    parts = []
    for code in range(len(versions.dictionary)):
        mine = codes == code
        parts += [_lowest(table.filter(pa.array(mine & (steps == step))), most) for step in np.unique(steps[mine])]
    whole = pa.concat_tables(parts) if parts else table
    return whole.sort_by([("timestamp", "ascending"), (HASH, "ascending"), ("version", "ascending")])


def _lowest(table: pa.Table, most: int) -> pa.Table:
    """Return the ``most`` rows with the smallest hash, in their order; of those that tie, by time and content.

    So they are the same whether they are chosen at once, or batch by batch and then among the chosen.
    """
    if table.num_rows <= most:
        return table
    hashes = np.asarray(table[HASH].to_numpy(), dtype=np.uint64)
    edge = np.partition(hashes, most - 1)[most - 1]
    below, tied = np.flatnonzero(hashes < edge), np.flatnonzero(hashes == edge)
    room = most - len(below)
    if len(tied) > room:
        tied = tied[_by_content(table.take(pa.array(tied)))[:room]]
    return table.take(pa.array(np.sort(np.concatenate((below, tied)))))


def _by_content(rows: pa.Table) -> NDArray[np.intp]:
    def key(place: int) -> tuple[int, str]:
        row: dict[str, Any] = listed[place]
        return row["timestamp"], repr(sorted(row.items()))

    listed = rows.to_pylist()
    return np.array(sorted(range(len(listed)), key=key), np.intp)


def window_step(model: Model) -> int:
    """Return the stretch of event time of which ``rows_per_window`` rows are kept."""
    return microseconds(model.plan.window.every)
