"""Methods of drift that cannot be meant: unknown ones, tests of Evidently's that cannot be run, and no p-value."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.faults import nearest, one_of
from monitor.config.nodes import items, value
from monitor.config.place import Place, below, quoted, shown
from monitor.config.yaml_marks import Node
from monitor.drift import CATEGORIES, METHODS, NUMBERS
from monitor.drift.by_evidently import TESTS, is_evidentlys
from monitor.errors import Fault
from monitor.record import Kind


def unfit_methods(root: Node, file: str) -> Iterator[Fault]:
    """Yield the methods that are none, or none of their columns' kinds."""
    for path, model in items(root, "models"):
        for at, node, kinds in _methods(model.get("drift"), f"{path}.drift"):
            known = [method.name for method in METHODS.values() if kinds & method.kinds]
            if isinstance(node.value, str) and node.value not in known and not _is_of_a_column(at, node.value):
                message = f"no method for such columns (got {shown(node)}); expected {one_of(known)}"
                yield Place(file, at, node).fault("E103", message, nearest(node.value, known))


def without_p_value(root: Node, file: str) -> Iterator[Fault]:
    """Yield the rules on a p-value whose method has none."""
    known = [method.name for method in METHODS.values() if method.tail is not None]
    for path, model in items(root, "models"):
        columns = drift.get("columns") if (drift := model.get("drift")) else None
        for key, column in columns.entries if columns else ():
            node, method = column.get("p_value"), value(column, "method")
            if node and node.value is not None and method in METHODS and method not in known:
                where = Place(file, f"{below(f'{path}.drift.columns', key.text)}.p_value", node)
                message = (
                    f"{method} has no p-value; expected a threshold, or a method that is one of {', '.join(known)}"
                )
                yield where.fault("E115", message)


def _is_of_a_column(at: str, method: str) -> bool:
    """Say whether a method is meant as Evidently's, which single columns have: those are looked at by themselves."""
    return is_evidentlys(method) and ".drift.columns." in at


def unfit_tests(root: Node, file: str, *, windowed: bool) -> Iterator[Fault]:
    """Yield the tests of Evidently's that cannot be meant.

    Parameters
    ----------
    windowed: whether windows are judged: then a test is given the rows that are kept of one.
    """
    for path, model in items(root, "models"):
        bare = windowed and value(model, "rows_per_window") == 0
        columns = drift.get("columns") if (drift := model.get("drift")) else None
        for key, column in columns.entries if columns else ():
            node = column.get("method")
            if node and isinstance(node.value, str) and is_evidentlys(node.value):
                at = f"{below(f'{path}.drift.columns', key.text)}.method"
                message, hint, code = _unfit_test(node.value, column, bare=bare)
                if message:
                    yield Place(file, at, node).fault(code, message, hint)


def _unfit_test(name: str, column: Node, *, bare: bool) -> tuple[str, str | None, str]:
    """Return what is wrong with a test of Evidently's, what to do, and the code; empty words if nothing is.

    Parameters
    ----------
    bare: whether windows are judged of which no rows are kept.
    """
    if name not in TESTS:
        known = list(TESTS)
        return (
            f"Evidently has no such test (got {quoted(name)}); expected {one_of(known)}",
            nearest(name, known),
            "E103",
        )
    test = TESTS[name]
    given = [key for key in ("threshold", "p_value") if value(column, key) is not None]
    if given != [test.rule]:
        return f"{name} is a fixed rule; expected {test.rule} beside it, and no other", None, "E115"
    if bare:
        like = "" if test.native is None else f", or take {test.native}, which needs none"
        message = f"{name} needs the values themselves, and rows_per_window: 0 keeps no rows"
        return message, f"let e.g. 5000 be kept{like}", "E115"
    return "", None, ""


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
