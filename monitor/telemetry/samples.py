"""What a window shows: samples of metrics, from its body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from monitor.calibration.cures import CURES
from monitor.instant import SECOND, from_text
from monitor.settings import duration_text
from monitor.telemetry import declared as d
from monitor.verdict import CHILD_WHYS
from monitor.versions import verdicts_of

VERDICTS = ("stable", "drifted", "insufficient_data", "failed")

Body: TypeAlias = Mapping[str, Any]
Sample: TypeAlias = tuple[d.Metric, tuple[str, ...], float]


def window_samples(body: Body) -> Iterator[Sample]:
    """Return what a window shows: metric, labels after model and version, value. What is unknown is absent."""
    yield d.WINDOW_END, (), from_text(body["end"]) / SECOND
    yield from verdict_samples(body)
    yield from calibration_samples(body["calibration_why"])
    for stat, seconds in body["latency_seconds"].items():
        if seconds is not None:
            yield d.LATENCY, (stat,), seconds
    yield from _service_samples(body)
    yield from _comparison_samples(body)
    for violation in body["quality_violations"]:
        yield d.QUALITY, (violation["column"] or "", violation["check"]), violation["value"]
    for column in body["columns"]:
        yield from _column_samples(column)


def failures(body: Body) -> dict[str, int]:
    """Return how many columns of a window have failed, by reason: every one that a child gives, where one is asked."""
    asked = any((column["method"] or "").startswith("evidently:") for column in body["columns"])
    failed = [column["why"] for column in body["columns"] if column["verdict"] == "failed"]
    return dict.fromkeys(map(str, CHILD_WHYS) if asked else (), 0) | dict(Counter(failed))


def verdict_samples(body: Body) -> Iterator[Sample]:
    """Return the verdict on a window, or on a segment of it, with what it rests on."""
    verdict = body["verdict"]
    yield d.WINDOW_ROWS, (), body["rows"]
    yield d.CALIBRATED, (), body["calibration_why"] is None
    for each in VERDICTS:
        yield d.VERDICT, (each,), each == verdict
    if verdict in {"stable", "drifted"}:
        yield d.DRIFT_DETECTED, (), verdict == "drifted"
    if body["columns_judged"]:
        yield d.DRIFT_COLUMNS, (), body["columns_drifted"] / body["columns_judged"]
    if body["evidence"] is not None and body["evidence_threshold"]:
        yield d.DRIFT_EVIDENCE, (), body["evidence"] / body["evidence_threshold"]


def calibration_samples(why: str | None) -> Iterator[Sample]:
    """Return whether the promise holds, and each reason why not; one that another version gave is added."""
    yield d.CALIBRATED, (), why is None
    for each in dict.fromkeys([*CURES, *([] if why is None else [why])]):
        yield d.CALIBRATION_WHY, (each,), each == why


def _service_samples(body: Body) -> Iterator[Sample]:
    """Return errors, resources, freshness and objectives; an older window of the state has none."""
    for metric, key in ((d.ERRORS, "errors_ratio"), (d.FRESHNESS, "freshness_seconds")):
        if body.get(key) is not None:
            yield metric, (), body[key]
    for name, figures in body.get("resources", {}).items():
        for stat, value in figures.items():
            if stat != "rows" and value is not None:
                yield d.RESOURCE, (name, stat), value
    for each in body.get("objectives", ()):
        yield from _objective_samples(each)


def _comparison_samples(body: Body) -> Iterator[Sample]:
    """Return how a version compares with the one that it is held against, if it serves beside one."""
    compared = body.get("compared")
    for each in () if compared is None else compared["figures"]:
        figure = each["figure"]
        shown = (
            (d.VERSION_DIFFERENCE, "value"),
            (d.VERSION_DIFFERENCE_LOWER, "lower"),
            (d.VERSION_DIFFERENCE_UPPER, "upper"),
            (d.VERSION_ROWS_NEEDED, "rows_needed"),
        )
        for metric, key in shown:
            if each[key] is not None:
                yield metric, (figure,), each[key]
        for verdict in verdicts_of(figure):
            yield d.VERSION_VERDICT, (figure, verdict), verdict == each["verdict"]


def _objective_samples(objective: Body) -> Iterator[Sample]:
    name = objective["objective"]
    if objective["broken"] is not None:
        yield d.OBJECTIVE_BROKEN, (name,), objective["broken"]
    if objective["budget_left_ratio"] is not None:
        yield d.OBJECTIVE_BUDGET, (name,), objective["budget_left_ratio"]
    for entry in objective["burn_rates"]:
        if entry["rate"] is not None:
            yield d.OBJECTIVE_BURN_RATE, (name, duration_text(timedelta(seconds=entry["over_seconds"]))), entry["rate"]


def _column_samples(column: Body) -> Iterator[Sample]:
    if column["method"] is None:
        return
    labels = (column["name"], column["method"])
    shown = ((d.COLUMN_DISTANCE, "distance"), (d.COLUMN_P_VALUE, "p_value"), (d.COLUMN_THRESHOLD, "threshold"))
    for metric, key in shown:
        if column[key] is not None:
            yield metric, labels, column[key]
    if column["verdict"] in {"stable", "drifted"}:
        yield d.COLUMN_DETECTED, labels, column["verdict"] == "drifted"


def alert_states(bodies: Iterable[Body], scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, ...], str]:
    """Return the state of each alert by model, version, name, severity and segment; of several the gravest."""
    grave = ("inactive", "resolved", "pending", "firing")
    states: dict[tuple[str, ...], str] = {}
    for body in bodies:
        labels = (body["model"], body["version"], body["name"], body["severity"], body.get("segment") or "")
        states[labels] = max(states.get(labels, "inactive"), body["state"], key=grave.index)
    judged = {labels[:2] for labels in states if labels[2] == "drift" and not labels[4]}
    calm = {(*scope, "drift", "warning", ""): "inactive" for scope in scopes if scope not in judged}
    return calm | states
