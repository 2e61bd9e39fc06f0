"""How far a table was read, as it is kept with the position."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from monitor.sources.lake.log import Mark


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a table was read.

    Attributes
    ----------
    mark: which files are read. file: the place of the one that was read last among them.
    through: all of them were read. times: the columns by whose least values they are in order.
    """

    mark: Mark
    file: int = -1
    through: bool = False
    times: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """Read what :meth:`to_text` wrote."""
        given = json.loads(text)
        return cls(Mark(**given["mark"]), given["file"], given["through"], tuple(given["times"]))
