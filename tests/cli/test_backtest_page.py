"""The page of a backtest: what is drawn and listed stays bounded, and says what the windows said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from monitor.cli.backtesting import Answer, History
from monitor.cli.charts import LEVELS, ROWS, Axis, Box, chart, joined, ticks
from monitor.cli.heat import STRETCHES, Heat
from monitor.cli.pages import backtest_page
from monitor.instant import SECOND, from_text, to_text

HOUR = 3600 * SECOND
BEGIN = from_text("2013-04-01")
KEY = ("flights", "1")


def columns(ratios: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Return a window's columns, whose threshold is 0.5."""
    return [
        {
            "name": name,
            "distance": None if ratio is None else ratio * 0.5,
            "threshold": 0.5,
            "verdict": "drifted" if ratio is not None and ratio >= 1 else "stable",
        }
        for name, ratio in ratios.items()
    ]


def heat_of(windows: Sequence[Mapping[str, float | None]]) -> Heat:
    """Return the heat of windows of an hour."""
    heat = Heat(BEGIN, HOUR, BEGIN)
    for place, ratios in enumerate(windows):
        heat.take(BEGIN + (place + 1) * HOUR, columns(ratios))
    return heat


def history_of(windows: Sequence[Mapping[str, float | None]], alerts: int = 0) -> History:
    """Return the history of windows of an hour, and of so many alerts that fired and resolved."""
    history = History()
    for place, ratios in enumerate(windows):
        history.take(
            {
                "kind": "window",
                "id": f"window {place}",
                "performance": [],
                "model": KEY[0],
                "version": KEY[1],
                "start": to_text(BEGIN + place * HOUR),
                "end": to_text(BEGIN + (place + 1) * HOUR),
                "rows": 50,
                "verdict": "stable",
                "evidence": 1.0,
                "evidence_threshold": 720.0,
                "columns": columns(ratios),
            }
        )
    for place in range(alerts):
        at = to_text(BEGIN + (place + 1) * HOUR)
        facts = {"model": KEY[0], "version": KEY[1], "name": "drift", "columns": ["a"], "diagnosis": None}
        line = {"kind": "alert", "id": f"al_{place}", "started_at": at, "began_at": None, "action": None, **facts}
        history.take({**line, "state": "firing", "at": at})
        history.take({**line, "state": "resolved", "at": at})
    return history


def page_of(history: History) -> str:
    """Return the page of a history."""
    summary = {"answer": "drift", "models": [], "config_hash": "sha256:0", "elapsed_seconds": 1.0}
    return backtest_page([Answer("config.yaml", summary, history)])


@pytest.mark.parametrize("windows", [1, STRETCHES, STRETCHES + 1, 1000])
def test_a_stretch_shows_its_furthest_window(windows: int) -> None:
    """However many windows one stretch has to hold, it shows the highest of their ratios."""
    found = np.random.default_rng(5).uniform(0, 3, windows)
    heat = heat_of([{"a": ratio} for ratio in found.tolist()])
    (trace,) = heat.ranked()
    each = heat.width // HOUR
    expected = [max(found[at : at + each]) for at in range(0, windows, each)]
    assert [ratio for ratio in trace.ratios if ratio is not None] == pytest.approx(expected)
    assert len(trace.ratios) == STRETCHES


def test_a_trace_counts_its_windows() -> None:
    """Of a column it is told in how many windows it was judged and over, when first and last, and how far."""
    (trace,) = heat_of([{"a": 0.5}, {"a": 1.5}, {"a": None}, {"a": 2.0}, {"a": 0.1}]).ranked()
    assert (trace.judged, trace.over, trace.first, trace.last) == (4, 2, BEGIN + 2 * HOUR, BEGIN + 4 * HOUR)
    assert trace.highest == (2.0, BEGIN + 4 * HOUR)
    assert trace.ratios[:6] == [0.5, 1.5, None, 2.0, 0.1, None]


def test_columns_that_were_over_most_often_come_first() -> None:
    """Columns are ordered by how often they were over their threshold, then by how far, then by name."""
    heat = heat_of([{"d": 0.4, "c": 0.4, "b": 0.9, "once": 9.0, "often": 1.1}, {"once": 0.1, "often": 1.1}])
    assert [trace.name for trace in heat.ranked()] == ["often", "once", "b", "c", "d"]


def test_a_threshold_of_zero_is_drawn() -> None:
    """Where a threshold is 0, what is over it counts as far, and what is not as near."""
    heat = Heat(BEGIN, HOUR, BEGIN)
    for place, verdict in enumerate(("stable", "drifted")):
        column = {"name": "a", "distance": float(place), "threshold": 0.0, "verdict": verdict}
        heat.take(BEGIN + (place + 1) * HOUR, [column])
    assert heat.ranked()[0].ratios[:2] == [0.0, LEVELS[-1]]


def test_few_columns_are_drawn_and_the_others_counted() -> None:
    """Of many columns those that drifted most are drawn, and of the rest it is said how many there are."""
    windows = [{f"c{place:03}": 2.0 if place < ROWS + 3 else 0.5 for place in range(60)} for _ in range(500)]
    drawn = chart("flights", history_of(windows).points[KEY], heat_of(windows), [])
    assert [lane.trace.name for lane in drawn.lanes] == [f"c{place:03}" for place in range(ROWS)]
    assert all(len(lane.boxes) <= STRETCHES for lane in drawn.lanes)
    assert drawn.left_out == "40 more columns are not shown, of which 3 ever lay over its threshold."


def test_the_picture_has_words() -> None:
    """What a lane shows is said for those who do not see it, and stands in a table."""
    page = page_of(history_of([{"a": 0.5}, {"a": 1.5}, {"a": 3.0}]))
    said = "a: over its threshold in 2 of 3 windows, first 2013-04-01 02:00, at most 3 times it"
    assert f'aria-label="{said}"' in page
    assert re.search(r'<th scope="row" class="name">a</th><td [^>]*>2 <span class="quiet">of 3</span>', page)


def test_drift_is_told_by_more_than_colour() -> None:
    """What is over its threshold is drawn twice as high as what is under it."""
    page = page_of(history_of([{"a": 0.1}, {"a": 5.0}]))
    heights = dict(re.findall(r'<rect class="heat-(\d)" x="[^"]*" width="[^"]*" y="\d" height="(\d+)"', page))
    assert heights == {"0": "5", "4": "10"}


def test_a_hundred_alerts_are_listed_and_the_others_counted() -> None:
    """A page lists so many alerts that a browser shows it, and says where the others are."""
    page = page_of(history_of([{"a": 0.1}] * 200, alerts=150))
    assert page.count('data-label="Resolved"') == 100
    assert "And 50 more" in page


def test_alerts_that_touch_are_drawn_as_one() -> None:
    """Of alerts too close to tell apart one box is drawn, which says how many there are."""
    boxes = [Box(10.0, 2.0, 0, "first"), Box(11.0, 5.0, 0, "second"), Box(40.0, 2.0, 0, "third")]
    assert joined(boxes) == [Box(10.0, 6.0, 0, "first; and 1 more"), Box(40.0, 2.0, 0, "third")]


@pytest.mark.parametrize("hours", [1, 5, 30, 24 * 9, 24 * 90, 24 * 3000])
def test_ticks_are_few_round_and_within(hours: int) -> None:
    """Whatever the length of a log, its axis has one to nine labels, each on the side where there is room for it."""
    made = ticks(Axis(BEGIN + 7 * SECOND, BEGIN + 7 * SECOND + hours * HOUR))
    assert 1 <= len(made) <= 9
    assert [tick.side for tick in made if tick.percent > 90] == ["end"] * sum(tick.percent > 90 for tick in made)
    assert all(0 <= tick.percent <= 100 and len(tick.text) in {10, 11} for tick in made)
