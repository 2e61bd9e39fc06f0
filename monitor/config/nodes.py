"""Looks into the nodes of a config: the items of a list, and a plain value by its key."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.place import item
from monitor.config.yaml_marks import Node


def items(root: Node, key: str) -> Iterator[tuple[str, Node]]:
    """Yield each item of a list with its place."""
    listed = root.get(key)
    for index, child in enumerate(listed.items if listed else ()):
        yield item(key, index, child), child


def value(node: Node | None, key: str) -> object:
    """Return the plain value of a key, or ``None``."""
    child = node.get(key) if node else None
    return child.value if child and child.kind == "scalar" else None
