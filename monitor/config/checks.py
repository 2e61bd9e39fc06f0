"""What no single settings class can see: names that must exist, names given twice, settings that cannot be met."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.faults import nearest, one_of
from monitor.config.lengths import unfit_lengths
from monitor.config.method_checks import unfit_methods, unfit_tests, without_p_value
from monitor.config.nodes import items, value
from monitor.config.not_yet import HELP
from monitor.config.place import Place, below, quoted
from monitor.config.receiver_checks import misused_receivers, unallowed_commands
from monitor.config.route_checks import escalated, misused_routes, unreachable_routes
from monitor.config.yaml_marks import Node
from monitor.errors import Fault
from monitor.performance.business_value import NAME as VALUE
from monitor.performance.reading import CLASS_TASKS
from monitor.performance.registry import DEFAULTS, named
from monitor.performance.registry import METRICS as METRIC_NAMES
from monitor.performance.settings import is_performance
from monitor.settings import parse_duration

_TWO = 2


def cross_faults(root: Node, file: str, *, windowed: bool = True) -> list[Fault]:
    """Return the faults between settings, read from the nodes, so that they are found beside all others.

    Parameters
    ----------
    windowed: whether windows are to be judged, and not two files.
    """
    found = (
        _unknown_metrics,
        _unfit_matrix,
        _unfit_interval,
        _unfit_groups,
        _repeated_names,
        _unknown_names,
        _uneven_windows,
        unfit_methods,
        without_p_value,
        _unmet,
        _sent_twice,
    )
    faults = [fault for check in found for fault in check(root, file)]
    faults += [*unfit_lengths(root, file), *misused_receivers(root, file), *misused_routes(root, file)]
    faults += unallowed_commands(root, file)
    return [*faults, *unfit_tests(root, file, windowed=windowed)]


def cross_warnings(root: Node, file: str) -> list[Fault]:
    """Return what is allowed, and probably not meant."""
    found = []
    for path, model in items(root, "models"):
        retrain = model.get("retrain")
        if retrain is None or model.get("targets") is not None or value(retrain, "min_targets") == 0:
            continue
        message = "no targets are configured, so that every retraining is withheld (too_few_targets)"
        where = Place(file, below(path, "retrain"), model.key("retrain"))
        found.append(where.fault("W114", message, "add targets, or set min_targets: 0"))
    return [*found, *unreachable_routes(root, file)]


def _repeated_names(root: Node, file: str) -> Iterator[Fault]:
    for key in ("models", "receivers"):
        lines: dict[object, int] = {}
        for path, child in items(root, key):
            name = child.get("name")
            if name is None or not isinstance(name.value, str):
                continue
            if name.value in lines:
                message = f"name {quoted(name.value)} is given twice (first at line {lines[name.value]})"
                yield Place(file, below(path, "name"), name).fault("E108", message)
            lines.setdefault(name.value, name.line)


def _unknown_names(root: Node, file: str) -> Iterator[Fault]:
    for kind, used in (
        ("receiver", [*_routed(root, "to"), *escalated(root), *_retraining(root)]),
        ("model", _routed(root, "match", "model")),
    ):
        known = [name for _, child in items(root, f"{kind}s") if isinstance(name := value(child, "name"), str)]
        for path, node in used:
            if isinstance(node.value, str) and node.value not in known:
                expected = one_of(known) or f"a name under {kind}s"
                message = f"no {kind} is named {quoted(node.value)}; expected {expected}"
                yield Place(file, path, node).fault("E114", message, nearest(node.value, known))


def _routed(root: Node, *keys: str) -> Iterator[tuple[str, Node]]:
    """Yield the names, one or a list, that each route has under the keys."""
    for path, route in items(root, "routes"):
        found: Node | None = route
        for key in keys:
            found = found.get(key) if found else None
        here = ".".join((path, *keys))
        if found and found.kind == "list":
            yield from ((f"{here}[{index}]", name) for index, name in enumerate(found.items))
        elif found:
            yield here, found


def _retraining(root: Node) -> Iterator[tuple[str, Node]]:
    for path, model in items(root, "models"):
        receiver = retrain.get("receiver") if (retrain := model.get("retrain")) else None
        if receiver:
            yield f"{path}.retrain.receiver", receiver


def _unknown_metrics(root: Node, file: str) -> Iterator[Fault]:
    """Yield the performance metrics that there are not; the figures of objectives are their settings' to judge."""
    for path, model in items(root, "models"):
        asked = model.get("performance")
        for at, node in _metrics(asked, f"{path}.performance"):
            if node.value == VALUE:
                matrix = asked.get(VALUE) if asked else None
                if matrix is None or not matrix.items:
                    message = "a business value needs to know what answers bring; expected a matrix beside it"
                    yield Place(file, at, node).fault("E103", message, "give performance.business_value")
            elif isinstance(node.value, str) and node.value and named(node.value) is None:
                expected = f"expected e.g. {', '.join(DEFAULTS['binary'])}"
                message = f"no performance metric is named {quoted(node.value)}; {expected}"
                yield Place(file, at, node).fault("E103", message, nearest(node.value, list(METRIC_NAMES)))


def _unfit_matrix(root: Node, file: str) -> Iterator[Fault]:
    """Yield matrices of what answers bring that are of other classes than the task."""
    for path, model in items(root, "models"):
        asked, task = model.get("performance"), value(model, "task")
        matrix = asked.get(VALUE) if asked else None
        rows = len(matrix.items) if matrix and matrix.items else 0
        message = None
        if rows and task not in CLASS_TASKS:
            message = "a business value is of classes; expected task: binary or multiclass beside it"
        elif rows and task == "binary" and rows != _TWO:
            message = f"a business value of 2 classes is a matrix of as many rows (got {rows})"
        if matrix is not None and message is not None:
            yield Place(file, f"{path}.performance.{VALUE}", matrix).fault("E103", message)


def _unfit_interval(root: Node, file: str) -> Iterator[Fault]:
    """Yield ends of intervals of models that give no number."""
    for path, model in items(root, "models"):
        lower = columns.get("lower") if (columns := model.get("columns")) else None
        if lower and lower.value is not None and value(model, "task") != "regression":
            place = Place(file, f"{path}.columns.lower", lower)
            yield place.fault("E103", "an interval is of a predicted number; expected task: regression beside it")


def _unfit_groups(root: Node, file: str) -> Iterator[Fault]:
    """Yield groups of models that the measures of fairness are not for."""
    for path, model in items(root, "models"):
        fairness = model.get("fairness")
        columns = fairness.get("columns") if fairness else None
        if columns and columns.items and value(model, "task") != "binary":
            message = "fairness is measured of models of two classes; expected task: binary beside it"
            yield Place(file, f"{path}.fairness.columns", columns).fault("E103", message)


def _metrics(asked: Node | None, path: str) -> Iterator[tuple[str, Node]]:
    metrics, objectives = (asked.get(key) if asked else None for key in ("metrics", "objectives"))
    for index, node in enumerate(metrics.items if metrics else ()):
        yield f"{path}.metrics[{index}]", node
    for index, objective in enumerate(objectives.items if objectives else ()):
        metric = objective.get("metric")
        if metric is not None and isinstance(metric.value, str) and is_performance(metric.value):
            yield f"{path}.objectives[{index}].metric", metric


def _uneven_windows(root: Node, file: str) -> Iterator[Fault]:
    for path, model in items(root, "models"):
        window = model.get("window")
        if window is None:
            continue
        try:
            length, every = (parse_duration(value(window, key) or "1h") for key in ("length", "every"))
        except ValueError:
            continue
        if every.total_seconds() > 0 and length > every and length % every:
            where = Place(file, below(path, "window"), model.key("window"))
            yield where.fault("E115", f"length {value(window, 'length') or '1h'} is not a multiple of every")


def _unmet(root: Node, file: str) -> Iterator[Fault]:
    state = root.get("state")
    database = state.key("database") if state else None
    if database:
        yield Place(file, "state.database", database).fault("E109", "this version keeps state in SQLite alone", HELP)
    for path, model in items(root, "models"):
        for key in ("records", "targets"):
            found = model.get(key)
            for source in (found.items or (found,)) if found else ():
                if value(source, "type") == "files" and parse_duration(value(source, "dedup") or "0s"):
                    place = Place(file, f"{path}.{key}.dedup", source.get("dedup") or source)
                    yield place.fault("E109", "this version drops no duplicates from files; expected 0s", HELP)


def _sent_twice(root: Node, file: str) -> Iterator[Fault]:
    """Yield all but the first of a model's sources that are sent by HTTP: they would have one address."""
    for path, model in items(root, "models"):
        records = model.get("records")
        types = [
            (f"{path}.records[{place}].type", each.get("type"))
            for place, each in enumerate(records.items if records else ())
        ]
        for at, node in [(at, node) for at, node in types if node and node.value == "http"][1:]:
            message = "records have a second source of type http; expected one: senders share its address"
            yield Place(file, at, node).fault("E115", message)
