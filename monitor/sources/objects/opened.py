"""The objects that stay open between two reads, the least used given back first."""

from __future__ import annotations

from collections import OrderedDict

from monitor.instant import Instant
from monitor.record import Layout
from monitor.sources.formats import Format
from monitor.sources.objects.content import Content
from monitor.sources.objects.store import Entry, Gone, Opened, Store
from monitor.sources.reader import Limits

_MOST_BYTES, _MOST_OPEN = 32 * 2**20, 64
_LARGE_BYTES = 8 * 2**20  # what an object counts for that is not here as a whole
_PEEK_BYTES = 2**16


class Shelf:
    """Holds open objects, of which one is being read.

    Parameters
    ----------
    layout, limits, given: how the one that is read is.
    """

    def __init__(self, layout: Layout, limits: Limits, given: Format | None) -> None:
        self._layout, self._limits, self._given = layout, limits, given
        self._open: OrderedDict[Entry, Opened] = OrderedDict()
        self._read: tuple[Entry, Content] | None = None

    def close(self) -> None:
        """Give all back."""
        self.done()
        while self._open:
            self._open.popitem()[1].close()

    def content(self, store: Store, entry: Entry) -> Content:
        """Return the object that is read now.

        Raises
        ------
        Gone: there is none. Unreachable: it cannot be opened now.
        """
        if self._read is None or self._read[0] != entry:
            self.done()
            opened = self._open.pop(entry, None) or store.open(entry)
            self._read = entry, Content(opened, entry.key, self._layout, self._limits, self._given)
        return self._read[1]

    def done(self) -> None:
        """Give back the object that was read."""
        if self._read is not None:
            self._read[1].close()
            self._read = None

    def first(self, store: Store, entry: Entry) -> Instant | None:
        """Return where an object begins in event time; ``None`` if no record is known of it.

        Raises
        ------
        Unreachable: it cannot be opened now.
        """
        if entry not in self._open:
            try:
                self._open[entry] = store.open(entry)
            except Gone:
                return None
        self._open.move_to_end(entry)
        limits = Limits(_PEEK_BYTES, min(self._limits.line, _PEEK_BYTES))
        bare = Layout(self._layout.timestamp, (), dialect=self._layout.dialect)
        found = Content(
            self._open[entry],
            entry.key,
            bare,
            limits,
            self._given,
        ).first()
        while len(self._open) > _MOST_OPEN or sum(map(_weight, self._open.values())) > _MOST_BYTES:
            self._open.popitem(last=False)[1].close()
        return found


def _weight(opened: Opened) -> int:
    return opened.length if opened.at_once else _LARGE_BYTES
