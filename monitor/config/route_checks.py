"""Routes that cannot be meant: machines that are sent several alerts as one, and routes that no alert can reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from monitor.config.place import Place, below, item, quoted
from monitor.config.yaml_marks import Node
from monitor.errors import Fault
from monitor.receivers.dialects import DIALECTS
from monitor.routing import AlertName

_KEEPS_APART = frozenset({"pagerduty", "opsgenie", "alertmanager"})
_NEVER = {
    "critical": frozenset({"drift", "quality", "targets", "monitor"}),
    "warning": frozenset({"monitor"}),
    "info": frozenset(get_args(AlertName)) - {"drift"},
}
"""Which alerts are never so grave; of the monitor itself none is raised."""


def misused_routes(root: Node, file: str) -> Iterator[Fault]:
    """Yield a fault for each receiver that would be sent several alerts as one, or is to be told and starts jobs."""
    types = {str(name.value): str(kind.value) for name, kind in _receivers(root)}
    for path, route in _items(root, "routes"):
        how = next((key for key in ("group", "digest") if route.get(key) is not None), None)
        for at, name in listed(route, path, "to"):
            kind = types.get(str(name.value))
            if how is not None and kind in _KEEPS_APART:
                message = f"{quoted(str(name.value))} is of type {kind}, which keeps alerts apart; expected no {how}"
                yield Place(file, at, name).fault("E124", message, "give it a route of its own")
    for at, name in escalated(root):
        kind = types.get(str(name.value))
        if kind in DIALECTS and DIALECTS[kind].takes == "actions":
            message = f"{quoted(str(name.value))} is of type {kind}, which starts jobs and is told no alert"
            yield Place(file, at, name).fault("E124", message, "take it out of the route")


def unreachable_routes(root: Node, file: str) -> Iterator[Fault]:
    """Yield a warning for each route that no alert can take."""
    for path, route in _items(root, "routes"):
        match = route.get("match")
        why = _unreachable(root, match) if match is not None else None
        if why is not None:
            where = Place(file, below(path, "match"), match)
            yield where.fault("W115", f"no alert can take this route: {why}", "change match, or take the route out")


def _unreachable(root: Node, match: Node) -> str | None:
    names = _texts(match, "alert") or list(get_args(AlertName))
    graves = _texts(match, "severity") or ["warning", "critical"]
    if all(name in _NEVER.get(grave, ()) for name in names for grave in graves):
        return f"{', '.join(names)} is never {' or '.join(graves)}"
    segments = _texts(match, "segment")
    models = [model for _, model in _items(root, "models") if _is_named(match, model)]
    if segments and models and not any(_has(model, segment) for model in models for segment in segments):
        return "no model has such a segment (columns.segments)"
    return None


def _is_named(match: Node, model: Node) -> bool:
    wanted, name = _texts(match, "model"), model.get("name")
    return not wanted or (name is not None and name.value in wanted)


def _has(model: Node, segment: str) -> bool:
    """Say whether a model is cut by the columns that a segment's name is made of; the empty name is the whole."""
    columns = model.get("columns")
    cuts = columns.get("segments") if columns else None
    wanted = {part.partition("=")[0] for part in segment.split(",")}
    for cut in cuts.items if cuts else ():
        names = {str(each.value) for each in (cut.items if cut.kind == "list" else (cut,))}
        if {name.rpartition(".")[2] for name in names} == {name.rpartition(".")[2] for name in wanted}:
            return True
    return not segment


def escalated(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield where each receiver of an escalation is named."""
    for path, route in _items(root, "routes"):
        steps = route.get("escalate")
        if steps is None:
            continue
        here = below(path, "escalate")
        if steps.kind == "list":
            for index, step in enumerate(steps.items):
                yield from listed(step, f"{here}[{index}]", "to")
        else:
            yield from listed(steps, here, "to")


def listed(node: Node, path: str, key: str) -> Iterator[tuple[str, Node]]:
    """Yield what stands under a key, one or a list, with where."""
    found = node.get(key) if node.kind == "mapping" else None
    if found is not None and found.kind == "list":
        yield from ((f"{below(path, key)}[{index}]", each) for index, each in enumerate(found.items))
    elif found is not None:
        yield below(path, key), found


def _texts(match: Node, key: str) -> list[str]:
    return [str(node.value) for _, node in listed(match, "", key)]


def _items(root: Node, key: str) -> Iterator[tuple[str, Node]]:
    found = root.get(key)
    for index, child in enumerate(found.items if found else ()):
        yield item(key, index, child), child


def _receivers(root: Node) -> Iterator[tuple[Node, Node]]:
    for _, child in _items(root, "receivers"):
        name, kind = child.get("name"), child.get("type")
        if name is not None and kind is not None:
            yield name, kind
