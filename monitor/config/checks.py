"""What no single settings class can see: names that must exist, names given twice, settings that cannot be met."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.faults import nearest, one_of
from monitor.config.not_yet import HELP
from monitor.config.place import Place, below, item, quoted, shown
from monitor.config.yaml_marks import Node
from monitor.drift import CATEGORIES, METHODS, NUMBERS
from monitor.errors import Fault
from monitor.record import Kind
from monitor.settings import parse_duration


def cross_faults(root: Node, file: str) -> list[Fault]:
    """Return the faults between settings, read from the nodes, so that they are found beside all others."""
    found = (_repeated_names, _unknown_names, _uneven_windows, _unfit_methods, _without_p_value, _unmet)
    return [fault for check in found for fault in check(root, file)]


def cross_warnings(root: Node, file: str) -> list[Fault]:
    """Return what is allowed, and probably not meant."""
    found = []
    for path, model in _items(root, "models"):
        retrain = model.get("retrain")
        if retrain is None or model.get("targets") is not None or _value(retrain, "min_targets") == 0:
            continue
        message = "no targets are configured, so that every retraining is withheld (too_few_targets)"
        where = Place(file, below(path, "retrain"), model.key("retrain"))
        found.append(where.fault("W114", message, "add targets, or set min_targets: 0"))
    return found


def _items(root: Node, key: str) -> Iterator[tuple[str, Node]]:
    listed = root.get(key)
    for index, child in enumerate(listed.items if listed else ()):
        yield item(key, index, child), child


def _value(node: Node | None, key: str) -> object:
    child = node.get(key) if node else None
    return child.value if child and child.kind == "scalar" else None


def _repeated_names(root: Node, file: str) -> Iterator[Fault]:
    for key in ("models", "receivers"):
        lines: dict[object, int] = {}
        for path, child in _items(root, key):
            name = child.get("name")
            if name is None or not isinstance(name.value, str):
                continue
            if name.value in lines:
                message = f"name {quoted(name.value)} is given twice (first at line {lines[name.value]})"
                yield Place(file, below(path, "name"), name).fault("E108", message)
            lines.setdefault(name.value, name.line)


def _unknown_names(root: Node, file: str) -> Iterator[Fault]:
    for kind, used in (
        ("receiver", [*_routed(root, "to"), *_retraining(root)]),
        ("model", _routed(root, "match", "model")),
    ):
        known = [name for _, child in _items(root, f"{kind}s") if isinstance(name := _value(child, "name"), str)]
        for path, node in used:
            if isinstance(node.value, str) and node.value not in known:
                expected = one_of(known) or f"a name under {kind}s"
                message = f"no {kind} is named {quoted(node.value)}; expected {expected}"
                yield Place(file, path, node).fault("E114", message, nearest(node.value, known))


def _routed(root: Node, *keys: str) -> Iterator[tuple[str, Node]]:
    """Yield the names, one or a list, that each route has under the keys."""
    for path, route in _items(root, "routes"):
        found: Node | None = route
        for key in keys:
            found = found.get(key) if found else None
        here = ".".join((path, *keys))
        if found and found.kind == "list":
            yield from ((f"{here}[{index}]", name) for index, name in enumerate(found.items))
        elif found:
            yield here, found


def _retraining(root: Node) -> Iterator[tuple[str, Node]]:
    for path, model in _items(root, "models"):
        retrain = model.get("retrain")
        receiver = retrain.get("receiver") if retrain else None
        if receiver:
            yield f"{path}.retrain.receiver", receiver


def _uneven_windows(root: Node, file: str) -> Iterator[Fault]:
    for path, model in _items(root, "models"):
        window = model.get("window")
        if window is None:
            continue
        try:
            length, every = (parse_duration(_value(window, key) or "1h") for key in ("length", "every"))
        except ValueError:
            continue
        if every.total_seconds() > 0 and length > every and length % every:
            where = Place(file, below(path, "window"), model.key("window"))
            yield where.fault("E115", f"length {_value(window, 'length') or '1h'} is not a multiple of every")


def _unfit_methods(root: Node, file: str) -> Iterator[Fault]:
    for path, model in _items(root, "models"):
        for at, node, kinds in _methods(model.get("drift"), f"{path}.drift"):
            known = [method.name for method in METHODS.values() if kinds & method.kinds]
            if isinstance(node.value, str) and node.value not in known:
                message = f"no method for such columns (got {shown(node)}); expected {one_of(known)}"
                yield Place(file, at, node).fault("E103", message, nearest(node.value, known))


def _without_p_value(root: Node, file: str) -> Iterator[Fault]:
    """Yield the rules on a p-value whose method has none."""
    known = [method.name for method in METHODS.values() if method.tail is not None]
    for path, model in _items(root, "models"):
        drift = model.get("drift")
        columns = drift.get("columns") if drift else None
        for key, column in columns.entries if columns else ():
            node, method = column.get("p_value"), _value(column, "method")
            if node and node.value is not None and method in METHODS and method not in known:
                where = Place(file, f"{below(f'{path}.drift.columns', key.text)}.p_value", node)
                message = (
                    f"{method} has no p-value; expected a threshold, or a method that is one of {', '.join(known)}"
                )
                yield where.fault("E115", message)


def _methods(drift: Node | None, path: str) -> Iterator[tuple[str, Node, frozenset[Kind]]]:
    """Yield each method that is named: where, and the kinds of column it is meant for."""
    for key, kinds in (("numeric", NUMBERS), ("categorical", CATEGORIES)):
        node = drift.get(key) if drift else None
        if node:
            yield below(path, key), node, kinds
    columns = drift.get("columns") if drift else None
    for key_of_column, column in columns.entries if columns else ():
        node = column.get("method")
        if node:
            yield f"{below(f'{path}.columns', key_of_column.text)}.method", node, NUMBERS | CATEGORIES


def _unmet(root: Node, file: str) -> Iterator[Fault]:
    state = root.get("state")
    database = state.key("database") if state else None
    if database:
        yield Place(file, "state.database", database).fault("E109", "this version keeps state in SQLite alone", HELP)
