"""Answers as one self-contained page each: no script, nothing loaded, everything escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader

from monitor import __version__
from monitor.cli import backtest_table
from monitor.instant import SECOND, Instant, from_text, to_text
from monitor.web import shown

if TYPE_CHECKING:
    from monitor.cli.backtesting import Answer, Point

_WIDTH, _HEIGHT = 1000.0, 160.0
_DRAWN = 800
"""So many stretches a chart tells apart; of the windows in one the largest evidence is drawn."""
_DAY = 86_400 * SECOND
_TICKS = 12
_ABOVE = 1.15
"""How much higher a chart is than its threshold, on its own scale: what lies beyond is cut."""


class Chart(NamedTuple):
    """The evidence of one model and version over time, in a box of 1000 by 160."""

    title: str
    path: str
    threshold: float
    alerts: list[tuple[float, float, str]]
    ticks: list[tuple[float, str]]


def backtest_page(answers: Sequence[Answer]) -> str:
    """Return a backtest as HTML: charts of the evidence, alerts, and both answers side by side if there are two."""
    told = [
        {
            "name": each.name,
            "summary": each.summary,
            "episodes": [
                episode | {"cause": backtest_table.cause(episode), "done": backtest_table.action(episode)}
                for episode in each.history.episodes.values()
            ],
            "promises": [backtest_table.promise(model) for model in each.summary["models"]],
            "rates": [backtest_table.realised(model) for model in each.summary["models"]],
            "charts": [
                chart(" ".join(key).strip(), points, _episodes_of(each, key))
                for key, points in each.history.points.items()
            ],
        }
        for each in answers
    ]
    beside = backtest_table.beside(answers) if len(answers) > 1 else []
    return _render("backtest.html", answers=told, beside=beside, width=_WIDTH, height=_HEIGHT)


def comparison_page(body: dict[str, Any], notes: Sequence[str]) -> str:
    """Return a comparison as HTML."""
    return _render("comparison.html", body=body, notes=notes)


def _episodes_of(answer: Answer, key: tuple[str, str]) -> list[dict[str, Any]]:
    return [each for each in answer.history.episodes.values() if (each["model"], each["version"]) == key]


def chart(title: str, points: Sequence[Point], episodes: Iterable[dict[str, Any]]) -> Chart:
    """Draw evidence against its threshold, both on a logarithmic scale."""
    first, last = points[0].end, max(points[-1].end, points[0].end + 1)
    limits = [point.threshold for point in points if point.threshold is not None]
    top = _ABOVE * math.log1p(max(limits, default=1.0))

    def across(at: Instant) -> float:
        return round(min(max((at - first) / (last - first), 0.0), 1.0) * _WIDTH, 1)

    def down(evidence: float) -> float:
        return round(_HEIGHT - min(math.log1p(evidence) / top, 1.0) * _HEIGHT, 1)

    highest: dict[float, float] = {}
    for point in points:
        x = round(across(point.end) * _DRAWN / _WIDTH) * _WIDTH / _DRAWN
        highest[x] = max(highest.get(x, 0.0), point.evidence or 0.0)
    path = " ".join(f"{'L' if place else 'M'}{x:.1f} {down(y)}" for place, (x, y) in enumerate(highest.items()))
    fired = [
        (
            across(from_text(each["started_at"])),
            across(from_text(each["resolved_at"]) if each["resolved_at"] else last),
            f"{shown.instant(each['started_at'])}: {', '.join(each['columns'])}",
        )
        for each in episodes
    ]
    spans = [(start, max(end - start, 2.0), text) for start, end, text in fired]
    return Chart(
        title, path, down(max(limits, default=0.0)), spans, [(across(at), text) for at, text in ticks(first, last)]
    )


def ticks(first: Instant, last: Instant) -> list[tuple[Instant, str]]:
    """Return at most twelve round dates between two instants."""
    step = max(-(-(last - first) // (_TICKS * _DAY)), 1) * _DAY
    return [(at, to_text(at)[:10]) for at in range(-(-first // step) * step, last, step)]


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(version=__version__, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.cli"), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.filters |= shown.FILTERS | {"delay": backtest_table.delay}
    environment.globals |= shown.GLOBALS | {
        "fired_before": backtest_table.FIRED_BEFORE,
        "style": (files("monitor.web") / "static" / "driftline.css").read_text("utf-8"),
        "page_style": (files("monitor.cli") / "templates" / "page.css").read_text("utf-8"),
    }
    return environment
