"""How far each column of a model lay from its reference over time: bounded, however long the log may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.instant import Instant
from monitor.verdict import Verdict

STRETCHES = 240
"""At most so many stretches of time are told apart; of the windows in one the furthest counts."""
FAR = 4.0
"""What stands for a distance over a threshold of 0, which is over it however often one counts."""
_NEVER = -1


class Trace(NamedTuple):
    """One column.

    Attributes
    ----------
    ratios: the highest distance over its threshold in each stretch; ``None``: not judged.
    judged, over: in how many windows it was judged, and over its threshold.
    first, last: the ends of the first and the last window in which it was over.
    highest: the highest ratio, and the end of the first window that had it.
    """

    name: str
    ratios: list[float | None]
    judged: int
    over: int
    first: Instant | None
    last: Instant | None
    highest: tuple[float, Instant]


@dataclass(slots=True)
class Heat:
    """The columns of one model and version, F so far.

    Attributes
    ----------
    width: the length of a stretch in microseconds.
    ratios: as those of a trace, NaN for ``None``, (F, STRETCHES). ``counts``: judged, over, (F, 2).
    ends: of the first window over, the last one, and the highest, or ``_NEVER``, (F, 3). ``highest``: (F,).
    """

    begin: Instant
    width: int
    end: Instant
    places: dict[str, int] = field(default_factory=dict)
    ratios: Floats = field(default_factory=lambda: np.empty((0, STRETCHES)))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    highest: Floats = field(default_factory=lambda: np.empty(0))

    def take(self, end: Instant, columns: Sequence[dict[str, Any]]) -> None:
        """Note the columns of a window; windows come in order of their ends."""
        self.end = max(self.end, end)
        while (stretch := (end - self.begin - 1) // self.width) >= STRETCHES:
            self._halve()
        judged = [each for each in columns if each["distance"] is not None and each["threshold"] is not None]
        self._know([each["name"] for each in judged])
        rows = np.array([self.places[each["name"]] for each in judged], np.intp)
        over = np.array([each["verdict"] == Verdict.DRIFTED.value for each in judged], np.bool_)
        ratio = ratios([each["distance"] for each in judged], [each["threshold"] for each in judged], over)
        self.ratios[rows, stretch] = np.fmax(self.ratios[rows, stretch], ratio)
        self.counts[rows, 0] += 1
        self.counts[rows[over], 1] += 1
        self.ends[rows[over], 1] = end
        fresh, higher = rows[over], ratio > self.highest[rows]
        self.ends[fresh[self.ends[fresh, 0] == _NEVER], 0] = end
        self.ends[rows[higher], 2], self.highest[rows[higher]] = end, ratio[higher]

    def _know(self, names: Sequence[str]) -> None:
        new = [name for name in dict.fromkeys(names) if name not in self.places]
        if not new:
            return
        self.places |= {name: len(self.places) + place for place, name in enumerate(new)}
        self.ratios = np.concatenate((self.ratios, np.full((len(new), STRETCHES), np.nan)))
        self.counts = np.concatenate((self.counts, np.zeros((len(new), 2), np.int64)))
        self.ends = np.concatenate((self.ends, np.full((len(new), 3), _NEVER)))
        self.highest = np.concatenate((self.highest, np.full(len(new), -1.0)))

    def _halve(self) -> None:
        """Let every two stretches be one."""
        self.width *= 2
        joined = np.fmax(self.ratios[:, ::2], self.ratios[:, 1::2])
        self.ratios = np.concatenate((joined, np.full_like(joined, np.nan)), axis=1)

    def ranked(self) -> list[Trace]:
        """Return the columns, those first that were over their thresholds most often, then furthest."""
        names = list(self.places)
        order = sorted(range(len(names)), key=lambda row: (-self.counts[row, 1], -self.highest[row], names[row]))
        return [self._trace(names[row], row) for row in order]

    def _trace(self, name: str, row: int) -> Trace:
        first, last, at = (None if end == _NEVER else end for end in self.ends[row].tolist())
        shown = [None if np.isnan(each) else each for each in self.ratios[row].tolist()]
        judged, over = self.counts[row].tolist()
        return Trace(name, shown, judged, over, first, last, (float(self.highest[row]), at or self.begin))


def ratios(distances: Sequence[float], thresholds: Sequence[float], over: NDArray[np.bool_]) -> Floats:
    """Return distances over their thresholds, (n,).

    >>> ratios([0.3, 0.0, 0.1], [0.2, 0.0, 0.0], np.array([True, False, True])).round(2).tolist()
    [1.5, 0.0, 4.0]
    """
    distance, threshold = np.array(distances, np.float64), np.array(thresholds, np.float64)
    known = threshold > 0
    return np.where(known, distance / np.where(known, threshold, 1.0), np.where(over, FAR, 0.0))


def runs(ratios: Sequence[float | None], levels: Sequence[float]) -> list[tuple[int, int, int, float]]:
    """Return stretches of one level that follow each other as one: first, one after the last, level, highest ratio.

    The level is how many of ``levels`` the ratio reaches; stretches without a ratio are left out.

    >>> runs([0.1, 0.2, None, 3.0, 1.5, 1.6], [1.0, 2.0])
    [(0, 2, 0, 0.2), (3, 4, 2, 3.0), (4, 6, 1, 1.6)]
    """
    found: list[tuple[int, int, int, float]] = []
    for place, ratio in enumerate(ratios):
        if ratio is None:
            continue
        level = sum(ratio >= each for each in levels)
        if found and found[-1][1:3] == (place, level):
            first, _, _, highest = found.pop()
            found.append((first, place + 1, level, max(highest, ratio)))
        else:
            found.append((place, place + 1, level, ratio))
    return found
