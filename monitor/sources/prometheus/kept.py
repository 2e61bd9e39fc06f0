"""What was scraped, in memory and in a file: the newest, which later windows ask for by their stretch of time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from monitor.instant import Instant
from monitor.usage import Integers, amounts

MOST = 20_000
"""Every fifteen seconds, three days and a half."""
_AT = "at"


class Kept:
    """Keeps samples; used by the thread that scrapes and by those that ask.

    Parameters
    ----------
    path: of the file, one JSON object a line; made with its folder. It is read again at the start, and cut to
        ``most`` samples once it has twice as many.
    names: of the resources.
    """

    def __init__(self, path: Path, names: Sequence[str], most: int = MOST) -> None:
        self._path, self._names, self._most = path, tuple(names), most
        self._lock = threading.Lock()
        self._at = np.full(most, np.iinfo(np.int64).min)
        self._values = np.full((most, len(self._names)), np.nan)
        self._next = self._lines = 0
        for at, values in self._of_file():
            self._put(at, values)

    def add(self, at: Instant, values: Mapping[str, float]) -> None:
        """Keep a sample.

        Raises
        ------
        OSError: it is in memory, but not in the file.
        """
        with self._lock:
            self._put(at, values)
        line = json.dumps({_AT: at, **values}, separators=(",", ":")) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._lines >= 2 * self._most:
            self._cut()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        self._lines += 1

    def between(self, start: Instant, end: Instant) -> dict[str, Integers]:
        """Return the amounts of each resource that were scraped from ``start`` until before ``end``."""
        with self._lock:
            chosen = self._values[(self._at >= start) & (self._at < end)]
        return {name: amounts(chosen[:, place]) for place, name in enumerate(self._names)}

    def _put(self, at: Instant, values: Mapping[str, float]) -> None:
        place = self._next % self._most
        self._at[place] = at
        self._values[place] = [values.get(name, np.nan) for name in self._names]
        self._next += 1

    def _of_file(self) -> Iterable[tuple[Instant, dict[str, float]]]:
        """Yield what the file holds; a line that a kill left torn is passed over."""
        try:
            text = self._path.read_text("utf-8", errors="replace")
        except OSError:
            return
        lines = text.splitlines()
        self._lines = len(lines)
        for line in lines[-self._most :]:
            try:
                told = json.loads(line)
                at = int(told.pop(_AT))
                yield at, {name: float(value) for name, value in told.items()}
            except (ValueError, TypeError, KeyError, AttributeError):
                continue

    def _cut(self) -> None:
        """Keep the newest lines of the file alone."""
        part = self._path.with_suffix(".part")
        with self._path.open(encoding="utf-8", errors="replace") as file, part.open("w", encoding="utf-8") as cut:
            cut.writelines(islice(file, self._lines - self._most, None))
        part.rename(self._path)
        self._lines = self._most
