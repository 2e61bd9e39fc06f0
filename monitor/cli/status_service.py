"""The part of ``status`` that says how a model is served: its objectives, and what is usual of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.cli.common import table

Body = Mapping[str, Any]


def service_parts(models: list[dict[str, Any]]) -> Iterator[Any]:
    """Yield a table of the objectives of live versions, and a line of each range that is usual of them."""
    live = [(model["name"], version) for model in models for version in model["versions"] if version["live"]]
    promised = [(model, version["version"], each) for model, version in live for each in version["objectives"]]
    if promised:
        made = table("objectives", "model", "version", "objective", "value", "", "burns", "budget left")
        for model, name, each in promised:
            made.add_row(model, name, each["objective"], _value(each), _kept(each), _burns(each), _left(each))
        yield made
    for model, version in live:
        for kind, habit in version["usual"].items():
            yield f"{model} {version['version']}: {kind} {_usual(habit)}"


def _value(objective: Body) -> str:
    value, lower, upper = (objective[key] for key in ("value", "lower", "upper"))
    if value is None:
        return ""
    return f"{value:.4g}" if lower is None or lower == upper else f"{value:.4g} ({lower:.4g} to {upper:.4g})"


def _kept(objective: Body) -> str:
    return {None: "unknown", True: "broken", False: "kept"}[objective["broken"]]


def _burns(objective: Body) -> str:
    """Return how much faster than allowed the budget is used up where it is fastest, and over which stretch."""
    from datetime import timedelta

    from monitor.settings import duration_text

    known = [each for each in objective["burn_rates"] if each["rate"] is not None]
    if not known:
        return ""
    fastest = max(known, key=lambda each: float(each["rate"]))
    return f"{fastest['rate']:.3g} times over {duration_text(timedelta(seconds=fastest['over_seconds']))}"


def _left(objective: Body) -> str:
    from monitor.quality.words import percent

    left = objective["budget_left_ratio"]
    return "" if left is None else percent(left)


def _usual(habit: Body) -> str:
    if not habit["calibrated"]:
        learnt = f", {habit['learnt_steps']} steps so far" if habit["why"] == "learning" else ""
        return f"is not judged ({habit['why']}{learnt})"
    evidence, threshold = habit["evidence"], habit["threshold"]
    if evidence is None or threshold is None:
        return f"is held against the {habit['source']}"
    state = "is not what is usual" if evidence >= threshold else "is usual"
    return f"{state}: evidence {evidence:.3g} of {threshold:.4g}, against the {habit['source']}"
