"""Receivers that would be sent what they cannot take: people's chats for jobs, and jobs for people's alerts."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.place import Place, below, item, quoted
from monitor.config.yaml_marks import Node
from monitor.errors import Fault
from monitor.receivers import TAKES

_CODE = "E124"
_NOT_ALLOWED = "E125"


def misused_receivers(root: Node, file: str) -> Iterator[Fault]:
    """Yield a fault for each receiver that is named, or left, where its service can do nothing with what comes."""
    types = {name: kind for name, kind in _named(root) if kind in TAKES}
    starting = {node.value for _, node in _starting(root)}
    for path, node in _starting(root):
        kind = types.get(str(node.value))
        if kind is not None and TAKES[kind] == "alerts":
            message = f"{quoted(str(node.value))} is of type {kind}, which tells people and starts no job"
            yield Place(file, path, node).fault(_CODE, message, "name a receiver that starts jobs, such as a webhook")
    told = [*_routed(root)]
    for path, node in told:
        kind = types.get(str(node.value))
        if kind is not None and TAKES[kind] == "actions":
            message = f"{quoted(str(node.value))} is of type {kind}, which starts jobs and is told no alert"
            yield Place(file, path, node).fault(_CODE, message, "take it out of the route")
    if root.get("routes") is None or not told:
        yield from _left(root, file, types, starting)


def unallowed_commands(root: Node, file: str) -> Iterator[Fault]:
    """Yield a fault for each receiver that runs a program where server.allow_commands is not set."""
    server = root.get("server")
    allowed = server.get("allow_commands") if server is not None else None
    if allowed is not None and allowed.value is True:
        return
    for path, child in _items(root, "receivers"):
        kind = child.get("type")
        if kind is not None and kind.value == "command":
            message = "runs a program as the daemon's user, which server.allow_commands does not allow"
            help_ = "set server.allow_commands: true where nobody else may write this file"
            yield Place(file, below(path, "type"), kind).fault(_NOT_ALLOWED, message, help_)


def _left(root: Node, file: str, types: dict[str, str], starting: set[object]) -> Iterator[Fault]:
    for path, child in _items(root, "receivers"):
        name = child.get("name")
        if name is None or name.value in starting:
            continue
        kind = types.get(str(name.value))
        if kind is not None and TAKES[kind] == "actions":
            message = f"{quoted(str(name.value))} is of type {kind}, which starts jobs, and no model's retrain names it"
            yield Place(file, below(path, "name"), name).fault(_CODE, message, "name it in retrain.receiver")


def _items(root: Node, key: str) -> Iterator[tuple[str, Node]]:
    listed = root.get(key)
    for index, child in enumerate(listed.items if listed else ()):
        yield item(key, index, child), child


def _named(root: Node) -> Iterator[tuple[str, str]]:
    for _, child in _items(root, "receivers"):
        name, kind = child.get("name"), child.get("type")
        if name is not None and kind is not None:
            yield str(name.value), str(kind.value)


def _starting(root: Node) -> Iterator[tuple[str, Node]]:
    for path, model in _items(root, "models"):
        retrain = model.get("retrain")
        receiver = retrain.get("receiver") if retrain is not None else None
        if receiver is not None:
            yield below(below(path, "retrain"), "receiver"), receiver


def _routed(root: Node) -> Iterator[tuple[str, Node]]:
    for path, route in _items(root, "routes"):
        to = route.get("to")
        if to is None:
            continue
        here = below(path, "to")
        if to.kind == "list":
            yield from ((f"{here}[{index}]", name) for index, name in enumerate(to.items))
        else:
            yield here, to
