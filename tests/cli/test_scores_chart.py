"""Realised and estimated performance over time, as a backtest's page draws it."""

from __future__ import annotations

import re

import pytest

from monitor.cli.backtesting import Answer, History
from monitor.cli.charts import HEIGHT
from monitor.cli.pages import backtest_page
from monitor.cli.scores import Row, Scores
from monitor.cli.scores_chart import DRAWN, ScoresChart, drawn
from tests.cli.test_backtest_scores import Json, line, value

GUESS = value(0.8, 0.1, 100)


def scores_of(realised: list[Json | None]) -> Scores:
    """Return what is remembered of hours of which 0.7 to 0.9 was estimated."""
    scores = Scores()
    for hour, each in enumerate(realised):
        scores.take(line(hour, "window", each, GUESS))
    return scores


def chart_of(realised: list[Json | None]) -> ScoresChart:
    """Return the chart of hours of which 0.7 to 0.9 was estimated; the reference has 0.9."""
    (rows,) = scores_of(realised).over_time(DRAWN)
    found = drawn(rows)
    assert found is not None
    return found


def test_values_lie_where_the_scale_has_them() -> None:
    """The scale reaches from the least bound to the greatest with 6 % of room, and a value lies at its share of it."""
    found = chart_of([value(0.5, 0.1, 100), value(0.9, 0.1, 100)])
    assert (found.lowest, found.highest) == pytest.approx((0.4 - 0.036, 1.0 + 0.036))
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", found.realised)]
    shares = [(each - (0.4 - 0.036)) / 0.672 for each in (0.5, 0.9)]
    assert heights == pytest.approx([HEIGHT * (1 - share) for share in shares], abs=0.06)
    assert re.findall(r"V", found.intervals) == ["V", "V"]


def test_what_is_unknown_is_a_gap() -> None:
    """Hours without targets break the line of what was realised; that of the estimates goes on."""
    found = chart_of([value(0.8, 0.1, 100)] * 2 + [None] + [value(0.8, 0.1, 100)] * 2)
    assert (found.realised.count("M"), found.estimated.count("M"), found.band.count("Z")) == (2, 1, 1)


def test_what_lies_outside_the_band_is_marked() -> None:
    """A realised value out of its estimate's band has a mark, and the words for it say how many have."""
    found = chart_of([value(0.8, 0.1, 100), value(0.5, 0.1, 100), value(0.85, 0.1, 100)])
    assert found.outside.count("M") == 1
    assert "in 1 of 3 windows" in found.said


def test_single_window_has_no_chart() -> None:
    """One value has no course over time."""
    (rows,) = scores_of([value(0.8, 0.1, 100)]).over_time(DRAWN)
    assert drawn(rows) is None


def test_many_windows_are_drawn_as_few_points() -> None:
    """A thousand windows make no more points than are drawn, and each says of how many windows it is."""
    found = chart_of([value(0.8, 0.1, 100)] * 1000)
    assert len(found.rows) == DRAWN
    assert found.windows == 5


def test_page_has_the_chart_and_its_numbers_without_a_script() -> None:
    """The page draws both and lists every point; it has no script and loads nothing."""
    history = History(scores=scores_of([value(0.8125, 0.1, 100), None, value(0.5, 0.1, 100)]))
    summary = {"answer": "stable", "models": [], "config_hash": "sha256:0", "elapsed_seconds": 1.0}
    page = backtest_page([Answer("config.yaml", summary, history)])
    assert page.count('class="realised" d="M') == 2
    assert "Every point as a table" in page
    assert "0.812" in page
    assert not re.search(r"<script|https?://|\bsrc=", page)


def test_interval_of_a_stretch_is_unknown_where_that_of_a_window_is() -> None:
    """Where one window of a stretch has a value without an interval, the stretch has none."""
    bare = {"value": 0.8, "lower": None, "upper": None, "rows": 50}
    (row,) = scores_of([value(0.8, 0.1, 100), bare]).whole()
    assert isinstance(row, Row)
    assert row.interval is None
