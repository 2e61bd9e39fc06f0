"""Follows pydantic's ``loc`` through the file's nodes, past the names of shapes that pydantic puts into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.config.place import below, bound, item
from monitor.config.shape import Spot, field_at, is_secret, member
from monitor.config.yaml_marks import Key, Node

_SECRET_KEYS = frozenset({"url", "database", "secret", "secrets", "token", "password", "credentials"})


@dataclass(slots=True)
class Spotted:
    """Where a ``loc`` leads.

    Attributes
    ----------
    node, spot: the last node on the way, and what may stand there.
    path, keys: the path an operator would say, and the same without names and indices.
    key: the key of the node, if it is a mapping's value.
    holder, holder_spot: the mapping that holds the key, and what may stand there.
    branch: pydantic tried several shapes, and this is what one of them said.
    """

    node: Node
    spot: Spot
    path: str = ""
    keys: tuple[str, ...] = ()
    key: Key | None = None
    holder: Node | None = None
    holder_spot: Spot = ()
    branch: bool = False

    def step(self, part: str | int) -> None:
        """Go one step down, or stay if the file has no such place."""
        if isinstance(part, int):
            self._into_list(part)
            return
        child = self.node.get(part)
        if child is None:
            self.branch = True
            return
        self.holder, self.holder_spot, self.key = self.node, self.spot, self.node.key(part)
        self.spot = member(self.spot, part, self.node)
        self.node, self.path, self.keys = child, below(self.path, part), (*self.keys, part)

    def _into_list(self, index: int) -> None:
        """Go to an item; where one item was written without a list, it is the node itself."""
        if index < len(self.node.items):
            child = self.node.items[index]
            self.path, self.node, self.key = item(self.path, index, child), child, None

    @property
    def secret(self) -> bool:
        """Say whether what stands here must not be shown."""
        return is_secret(self.spot) or bool(_SECRET_KEYS.intersection(self.keys[-1:]))

    @property
    def bounds(self) -> str | None:
        """Return the bounds that the key is declared with, such as ``0 < x <= 1``."""
        info = field_at(self.holder_spot, self.keys[-1], self.holder) if self.keys else None
        marks = info.metadata if info else []
        low = _limit(marks, "gt", "{} < ") or _limit(marks, "ge", "{} <= ")
        high = _limit(marks, "lt", " < {}") or _limit(marks, "le", " <= {}")
        return f"{low}x{high}" if low or high else None


def _limit(marks: Sequence[object], name: str, text: str) -> str:
    limits = (getattr(mark, name, None) for mark in marks)
    return next((text.format(bound(limit)) for limit in limits if limit is not None), "")


def locate(loc: Sequence[str | int], root: Node, spot: Spot) -> Spotted:
    """Return where a ``loc`` leads from the root."""
    where = Spotted(root, spot)
    for part in loc:
        where.step(part)
    return where
