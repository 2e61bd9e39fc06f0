"""Answers as one self-contained page each: no script, nothing loaded, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader

from monitor import __version__
from monitor.cli import backtest_table, charts, scores_chart, scores_table
from monitor.instant import to_text
from monitor.web import shown

if TYPE_CHECKING:
    from monitor.cli.backtesting import Answer

_LISTED = 100
"""So many alerts are listed on a page; of the others it is said how many there are."""


def backtest_page(answers: Sequence[Answer]) -> str:
    """Return a backtest as HTML: charts of the evidence, alerts, and both answers side by side if there are two."""
    beside = backtest_table.beside(answers) if len(answers) > 1 else []
    return _render("backtest.html", answers=[_told(each) for each in answers], beside=beside)


def _told(answer: Answer) -> dict[str, Any]:
    history, models = answer.history, answer.summary["models"]
    episodes = list(history.episodes.values())
    return {
        "name": answer.name,
        "summary": answer.summary,
        "episodes": [
            each | {"cause": backtest_table.cause(each), "done": backtest_table.action(each)}
            for each in episodes[:_LISTED]
        ],
        "unlisted": max(len(episodes) - _LISTED, 0),
        "scores": [(row, scores_table.values_of(row)) for row in answer.history.scores.whole()],
        "score_charts": [scores_chart.drawn(rows) for rows in history.scores.over_time(scores_chart.DRAWN)],
        "scores_over_time": [
            [(row, scores_table.values_of(row)) for row in rows] for rows in answer.history.scores.over_time()
        ],
        "promises": [backtest_table.promise(model) for model in models],
        "rates": [backtest_table.realised(model) for model in models],
        "charts": [
            charts.chart(" ".join(key).strip(), points, history.heats[key], _episodes_of(episodes, key))
            for key, points in history.points.items()
        ],
    }


def comparison_page(body: dict[str, Any], notes: Sequence[str], violated: Sequence[str]) -> str:
    """Return a comparison as HTML."""
    return _render("comparison.html", body=body, notes=notes, violated=violated)


def _episodes_of(episodes: Iterable[dict[str, Any]], key: tuple[str, str]) -> list[dict[str, Any]]:
    return [each for each in episodes if (each["model"], each["version"]) == key]


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(version=__version__, **values)


def _at(instant: int | None) -> str:
    return shown.instant(None if instant is None else to_text(instant))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.cli"), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.filters |= shown.FILTERS | {"delay": backtest_table.delay, "at": _at}
    environment.globals |= shown.GLOBALS | {
        "fired_before": backtest_table.FIRED_BEFORE,
        "scores_note": scores_table.NOTE,
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "levels": charts.LEVELS,
        "style": (files("monitor.web") / "static" / "driftline.css").read_text("utf-8"),
        "page_style": (files("monitor.cli") / "templates" / "page.css").read_text("utf-8"),
    }
    return environment
