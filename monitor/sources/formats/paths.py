"""Where a column stands in one row: by its full path, nested or as a flat header, then by its last name.

The rule, the same in every format. For ``inputs.temp``: if the row has an object ``inputs``, its ``temp``
and nothing else; otherwise ``"inputs.temp"``; otherwise ``temp``, unless another column is that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The names under which a column may stand.

    Attributes
    ----------
    path: as configured, and the name of the column in the decoded table.
    steps: the path, split at its dots.
    flat: the flat names to try in order, where the first step is not an object.
    """

    path: str
    steps: tuple[str, ...]
    flat: tuple[str, ...]


def places(paths: Iterable[str]) -> tuple[Place, ...]:
    """Return where each path may stand.

    >>> [place.flat for place in places(["inputs.temp", "id", "inputs.id"])]
    [('inputs.temp', 'temp'), ('id',), ('inputs.id',)]
    """
    wanted = tuple(paths)
    taken = set(wanted)
    return tuple(_place(path, taken) for path in wanted)


def _place(path: str, taken: set[str]) -> Place:
    steps = tuple(path.split("."))
    last = steps[-1]
    flat = (path,) if last in taken else (path, last)
    return Place(path, steps, flat)
