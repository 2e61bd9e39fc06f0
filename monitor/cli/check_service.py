"""The part of ``check`` that says what is promised of a model's service, and what is usual of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from monitor.cli.common import table

Body = Mapping[str, Any]


def service_parts(model: Body) -> Iterator[Any]:
    """Yield a table of the objectives, and a line of what latency and volume are held against."""
    if model["objectives"]:
        shown = table(f"objectives of {model['name']}", "objective", "budget", "alerts", "as")
        for each in model["objectives"]:
            shown.add_row(each["objective"], _budget(each), _alerts(each), each["alert"])
        yield shown
    yield "; ".join(_usual(kind, each) for kind, each in model["usual"].items())


def _budget(objective: Body) -> str:
    from monitor.quality.words import percent

    if objective["allowed_ratio"] is None:
        return "none"
    return f"{percent(objective['allowed_ratio'])} of {objective['counts']} in {_length(objective['over_seconds'])}"


def _alerts(objective: Body) -> str:
    if not objective["burning"]:
        return f"after {objective['windows']} broken windows in a row"
    rates = [f"{each['rate']:g} times over {_length(each['long_seconds'])}" for each in objective["burning"]]
    return f"if the budget burns {', '.join(rates)}"


def _usual(kind: str, held: Body) -> str:
    if held["source"] == "stream":
        return f"{kind}: what is usual is learnt from the stream's first {held['learning_steps']} steps"
    why = "" if held["why"] is None else f", not calibrated ({held['why']})"
    return f"{kind}: held against the reference's{why}"


def _length(seconds: float) -> str:
    from monitor.settings import duration_text

    return duration_text(timedelta(seconds=seconds))
