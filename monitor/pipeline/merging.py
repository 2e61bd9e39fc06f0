"""Small files of kept rows become fewer and larger: a live tail writes one a batch, which is one a second.

Sixteen of about one size, of one version and day, become one; so a day has some tens of files whatever its batches,
and a row is rewritten a few times only. What the kept rows of a window are does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from monitor.instant import SECOND, Instant
from monitor.store.database import State
from monitor.store.segment import Segment, rewrite_segments, segments

MANY = 16
_DAY = 86_400 * SECOND


class Merging:
    """Counts the segments of a kind that one model writes, and merges when there may be many.

    Parameters
    ----------
    keep: what is kept of their rows.
    """

    def __init__(self, model: str, kind: str, keep: Callable[[pa.Table], pa.Table]) -> None:
        self._model, self._kind, self._keep = model, kind, keep
        self._written: list[Segment] = []

    def run(self, state: State, written: Iterable[Segment]) -> int:
        """Note segments that were written and named; merge what is due, and return how many files fewer there are.

        Raises
        ------
        StoreBusy: some may have been merged; the same call may succeed later.
        """
        self._written += written
        if len(self._written) < MANY:
            return 0
        start, end = _days(self._written)
        self._written = []
        with state.read() as connection:
            named = segments(connection, self._model, start, end, kind=self._kind)
        return sum(self._merge(state, group) for group in due_merges(named))

    def _merge(self, state: State, group: Sequence[Segment]) -> int:
        made = rewrite_segments(state, group, self._keep)
        return len(group) - 1 if made is not None else 0


def due_merges(named: Iterable[Segment]) -> list[list[Segment]]:
    """Return the segments that are to become one, sixteen or more each: of a version, a day and about a size."""
    groups: dict[tuple[str, Instant, int], list[Segment]] = {}
    for each in named:
        groups.setdefault((each.version, each.first_at // _DAY, _size(each)), []).append(each)
    return [group for _, group in sorted(groups.items()) if len(group) >= MANY]


def _size(segment: Segment) -> int:
    """Return how often its rows can be divided by sixteen."""
    return (segment.rows.bit_length() - 1) // (MANY.bit_length() - 1)


def _days(written: Sequence[Segment]) -> tuple[Instant, Instant]:
    first, last = min(each.first_at for each in written), max(each.last_at for each in written)
    return first // _DAY * _DAY, (last // _DAY + 1) * _DAY
