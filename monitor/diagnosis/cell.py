"""A cell in words: the value it stands for. What is shown is a value of the reference or an extreme, never a row's."""

from __future__ import annotations

import numpy as np

from monitor.bins import NumericBins
from monitor.diagnosis.seen import Seen


def value_of(seen: Seen, cell: int) -> float:
    """Return the number that a cell stands for: an extreme if it holds one, else the reference's mean in it."""
    bins = seen.numbers
    if bins is None:
        return float("nan")
    return next((extreme for extreme in _beyond(seen) if _cell_of(bins, extreme) == cell), float(bins.centres[cell]))


def is_beyond(seen: Seen, cell: int) -> bool:
    """Say whether a cell holds an extreme that no value of the reference reaches."""
    bins = seen.numbers
    return bins is not None and any(_cell_of(bins, extreme) == cell for extreme in _beyond(seen))


def _beyond(seen: Seen) -> list[float]:
    ends = [seen.now.least] if seen.now.least < seen.before.least else []
    return [*ends, seen.now.greatest] if seen.now.greatest > seen.before.greatest else ends


def _cell_of(bins: NumericBins, value: float) -> int:
    return int(bins.cells(np.array([value]))[0])


def value_words(seen: Seen, cell: int) -> str:
    """Return the number that a cell stands for, in words."""
    return f"{value_of(seen, cell):.6g}"
