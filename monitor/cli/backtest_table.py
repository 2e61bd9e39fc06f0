"""A backtest as tables and sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from monitor.calibration.cures import NO_REFERENCE, cure
from monitor.cli.common import plain, table
from monitor.cli.scores_table import score_parts
from monitor.instant import SECOND, from_text
from monitor.versions import comparison_words
from monitor.web.shown import instant, number, span, words

if TYPE_CHECKING:
    from monitor.cli.backtesting import Answer

FIRED_BEFORE = "an alert fired already, and held others back until it resolved"
_DAY_SECONDS = 86_400
_VERDICTS = {
    "stable": "stable",
    "drifted": "drifted",
    "insufficient_data": "with too little data",
    "failed": "failed",
}


def tables(answers: Sequence[Answer]) -> list[Any]:
    """Return what is printed of one answer, or of two side by side."""
    first = answers[0]
    parts: list[Any] = []
    for each in answers:
        parts += [f"config {each.name}"] if len(answers) > 1 else []
        parts += [line for model in each.summary["models"] for line in _model(model)]
        parts += [_alerts(each)] if each.history.episodes else ["no alert would have fired"]
        parts += score_parts(each.history.scores)
        parts += [_injected(each.summary["injected"])] if "injected" in each.summary else []
    if len(answers) > 1:
        parts.append(_beside(answers))
    taken = f"replayed in {span(answers[-1].summary['elapsed_seconds'])}"
    return [*parts, f"answer: {words(first.summary['answer'])} · {taken} · config {first.summary['config_hash']}"]


def _model(model: dict[str, Any]) -> list[str]:
    versions = ", ".join(plain(version) or "none" for version in model["versions"]) or "none"
    told = f"from {instant(model['from'])} to {instant(model['to'])}" if model["from"] else "no window is told"
    refused = sum(model["records_rejected"].values())
    windows = ", ".join(f"{model['windows'][key]} {name}" for key, name in _VERDICTS.items())
    return [
        f"model {model['model']}, versions {versions}, {told}",
        f"  records: {model['records']} accepted, {refused} refused, {model['records_late']} too late",
        f"  windows: {windows}",
        f"  false alarms: {promise(model)}",
        f"  realised: {realised(model)}",
        *(f"  {plain(line)}" for each in model["comparisons"] for line in comparison_words(each["version"], each)),
    ]


def promise(model: dict[str, Any]) -> str:
    """Return what is promised, what the reference bears out, and how many alerts there were."""
    fired = sum(model["alerts"].values())
    days = (from_text(model["to"]) - from_text(model["from"])) / SECOND / _DAY_SECONDS if model["from"] else 0
    came = f"{fired} alerts in {number(days)} days"
    figures = model["false_alarms_per_30d"]
    if not model["calibrated"]:
        why = model["calibration_why"] or NO_REFERENCE
        return f"not calibrated ({words(why)}), so that nothing is promised: {cure(why)}; {came}"
    expected = "" if figures["expected"] is None else f", {number(figures['expected'])} expected"
    return f"at most {number(figures['promised'])} in 30 days promised{expected}; {came}"


def realised(model: dict[str, Any]) -> str:
    """Return how often drift really paged, with an interval, and what that says of the promise."""
    figures = model["realised"]
    where = " before the injected drift" if figures["before_injection"] else ""
    if figures["per_30d"] is None:
        return f"unknown: no window{where}"
    interval = f"95 % interval {number(figures['lower'])} to {number(figures['upper'])}"
    rate = f"{number(figures['per_30d'])} drift alerts per 30 days{where} ({interval})"
    return f"{rate}; they are false only if nothing drifted" if figures["drift_alerts"] else rate


def _alerts(answer: Answer) -> Any:
    made = table("alerts", "fired at", "resolved at", "model", "alert", "drift since", "columns", "cause", "action")
    for episode in answer.history.episodes.values():
        name = f"{episode['model']} {plain(episode['version'])}".strip()
        made.add_row(
            instant(episode["started_at"]),
            instant(episode["resolved_at"]),
            name,
            episode["name"],
            instant(episode["began_at"]),
            plain(", ".join(episode["columns"])),
            plain(cause(episode)),
            action(episode),
        )
    return made


def cause(episode: dict[str, Any]) -> str:
    """Return why an alert fired, in words."""
    diagnosis = episode["diagnosis"]
    if diagnosis is None:
        return ""
    causes = [f"{each['column'] or ''} {each['detail']}".strip() for each in diagnosis["causes"]]
    return f"{words(diagnosis['class'])}: {'; '.join(causes)}" if causes else words(diagnosis["class"])


def action(episode: dict[str, Any]) -> str:
    """Return what would have been done about an alert."""
    taken = episode["action"]
    return "" if taken is None else f"{taken['kind']} {words(taken['status'])} ({words(taken['why'])})"


def _injected(found: Sequence[dict[str, Any]]) -> Any:
    made = table("injected drift", "spec", "from", "alert at", "after", "column over threshold", "other alerts", "")
    for each in found:
        made.add_row(
            plain(each["spec"]),
            instant(each["from"]),
            instant(each["found_at"]),
            delay(each),
            instant(each["column_over_at"]),
            str(each["other_alerts"]),
            FIRED_BEFORE if each["alert_fired_before"] else "",
        )
    return made


def delay(found: dict[str, Any]) -> str:
    """Return how long injected drift went unnoticed."""
    return "not found" if found["found_at"] is None else span(found["delay_seconds"])


def _beside(answers: Sequence[Answer]) -> Any:
    made = table("side by side", "", *(plain(each.name) for each in answers))
    for name, values in beside(answers):
        made.add_row(name, *values)
    return made


def beside(answers: Sequence[Answer]) -> list[tuple[str, list[str]]]:
    """Return the figures of several answers, a row a figure."""
    names = list(dict.fromkeys(model["model"] for each in answers for model in each.summary["models"]))
    rows = [("answer", [words(each.summary["answer"]) for each in answers])]
    for name in names:
        models = [next((m for m in each.summary["models"] if m["model"] == name), None) for each in answers]
        for label, figure in _FIGURES:
            rows.append((f"{name}: {label}", ["" if model is None else figure(model) for model in models]))
    return rows


_FIGURES: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("alerts", lambda model: str(sum(model["alerts"].values()))),
    ("first alert at", lambda model: instant(model["first_alert_at"])),
    ("windows stable", lambda model: str(model["windows"]["stable"])),
    ("windows drifted", lambda model: str(model["windows"]["drifted"])),
    ("windows with too little data", lambda model: str(model["windows"]["insufficient_data"])),
    ("false alarms per 30 days, promised", lambda model: number(model["false_alarms_per_30d"]["promised"])),
    ("false alarms per 30 days, expected", lambda model: number(model["false_alarms_per_30d"]["expected"])),
    ("drift alerts per 30 days, realised", lambda model: number(model["realised"]["per_30d"])),
    ("calibrated", lambda model: "yes" if model["calibrated"] else f"no: {words(model['calibration_why'])}"),
)
