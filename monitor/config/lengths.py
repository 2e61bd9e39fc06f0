"""Lengths of references that follow the log: whether windows fit into them, and what is held of them into memory."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.place import Place, below, item
from monitor.config.yaml_marks import Node
from monitor.errors import Fault
from monitor.settings import duration_text, parse_duration
from monitor.trailing import MOST_HELD_ROWS, ROLLING, SEASON, trailing_of
from monitor.window import WindowSettings


def unfit_lengths(root: Node, file: str) -> Iterator[Fault]:
    """Yield lengths of references that follow the stream which no window fits into, or which hold too many rows."""
    for path, model in _models(root):
        window = _window(model.get("window"))
        for at, node, key in _lengths(model.get("reference"), f"{path}.reference"):
            try:
                asked = parse_duration(node.value)
                rolling, season = (asked, None) if key == ROLLING else (None, asked)
                follows = None if window is None else trailing_of(rolling, season, window)
            except ValueError:
                continue
            if not follows or window is None:
                continue
            if asked <= window.length:
                message = f"{duration_text(asked)} is not longer than a window ({duration_text(window.length)})"
                yield Place(file, at, node).fault("E115", message, "as long as fifty windows, or longer")
            elif follows.rows > MOST_HELD_ROWS:
                message = (
                    f"{duration_text(asked)} of steps of {duration_text(window.every)} would hold {follows.rows} rows "
                    f"of each version; at most {MOST_HELD_ROWS} are held"
                )
                yield Place(file, at, node).fault("E115", message, "take a shorter one, or a longer window.every")


def _window(node: Node | None) -> WindowSettings | None:
    found = {key: node.get(key) if node else None for key in ("length", "every", "min_rows")}
    given = {key: each.value for key, each in found.items() if each is not None and each.kind == "scalar"}
    try:
        return WindowSettings.model_validate(given)
    except ValueError:
        return None


def _lengths(reference: Node | None, path: str) -> Iterator[tuple[str, Node, str]]:
    """Yield where references follow the stream: the place, the length, and its key."""
    for key in (ROLLING, SEASON):
        node = reference.get(key) if reference else None
        if node and node.kind == "scalar":
            yield f"{path}.{key}", node, key
    for name, own in reference.entries if reference else ():
        if own.kind == "mapping":
            yield from _lengths(own, below(path, name.text))


def _models(root: Node) -> Iterator[tuple[str, Node]]:
    listed = root.get("models")
    for index, child in enumerate(listed.items if listed else ()):
        yield item("models", index, child), child
