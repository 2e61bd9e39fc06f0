"""The rows of a batch into panes of segments: all segments of a column in one pass."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.judge import Judge
from monitor.pipeline.model import Model
from monitor.profile import profile_rows
from monitor.segments import NONE


def count_segments(
    model: Model,
    name: str,
    tables: tuple[pa.Table, pa.Table],
    where: tuple[NDArray[np.int64], NDArray[np.intp]],
    judge: Judge,
) -> None:
    """Count the rows of segments into panes; the rows as they were read, and as they are counted."""
    panes, place = where
    for part in judge.parts:
        codes = part.cut.codes(tables[0])
        cells, number = np.unique(codes * len(panes) + place, return_inverse=True)
        mine = codes != NONE
        first = int(np.count_nonzero(cells < 0))  # the rows in no segment come before all others
        counted = tables[1] if mine.all() else tables[1].filter(pa.array(mine))
        profiles = profile_rows(counted, judge.reference.binning, number[mine] - first, len(cells) - first)
        for cell, profile in zip(cells[first:].tolist(), profiles, strict=True):
            code, pane = divmod(cell, len(panes))
            held = model.part_panes.setdefault((name, int(panes[pane])), {})
            before = held.get(part.cut.labels[code])
            held[part.cut.labels[code]] = profile if before is None else before + profile
