from __future__ import annotations

from typing import Any

import pytest
from rich.table import Table

from monitor.cli.backtesting import History
from monitor.cli.scores import STRETCHES, Scores
from monitor.cli.scores_table import score_parts
from monitor.identity import window_id
from monitor.instant import to_text
from tests.worlds import BEGIN, HOUR

Json = dict[str, Any]


def value(at: float, half: float, rows: int) -> Json:
    """Return a value with its interval."""
    return {"value": at, "lower": at - half, "upper": at + half, "rows": rows}


def line(hour: int, kind: str, realised: Json | None, estimated: Json | None) -> Json:
    """Return what a replay tells of the accuracy of an hour, at its close or later."""
    start, end = BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR
    entry = {"metric": "accuracy", "reference": 0.9, "realised": realised, "estimated": estimated, "final": False}
    ident = window_id("shop", "1", start, end)
    names = {"id": ident, "model": "shop", "version": "1"} if kind == "window" else {"window": ident}
    return {"kind": kind, "start": to_text(start), "end": to_text(end), "performance": [entry], **names}


def scores_of(lines: list[Json]) -> Scores:
    """Return what is remembered of lines."""
    scores = Scores()
    for each in lines:
        scores.take(each)
    return scores


def test_what_is_known_last_of_a_window_counts() -> None:
    """An estimate stands beside what was realised later; values of windows weigh by their rows."""
    guess = value(0.8, 0.05, 100)
    lines = [line(hour, "window", None, guess) for hour in range(2)]
    lines += [line(0, "performance", value(0.5, 0.1, 10), guess)]
    lines += [line(0, "performance", value(0.82, 0.1, 100), guess), line(1, "performance", value(0.7, 0.1, 300), guess)]
    (row,) = scores_of(lines).whole()
    assert row.realised == pytest.approx((0.82 * 100 + 0.7 * 300) / 400)
    assert (row.windows, row.missed, row.both, row.reference) == (2, 1, 2, 0.9)
    assert (row.estimated, row.lower, row.upper) == pytest.approx((0.8, 0.75, 0.85))


def test_few_windows_are_told_one_by_one() -> None:
    """Up to twelve windows have a row each, which begins with its own end."""
    found = scores_of([line(hour, "window", None, value(0.8, 0.05, 100)) for hour in range(STRETCHES)])
    (rows,) = found.over_time()
    assert [row.since for row in rows] == [to_text(BEGIN + (hour + 1) * HOUR) for hour in range(STRETCHES)]
    assert {row.realised for row in rows} == {None}


def test_many_windows_are_told_in_stretches() -> None:
    """A hundred windows make no more than twelve rows, and none is lost."""
    found = scores_of([line(hour, "window", None, value(0.8, 0.05, 100)) for hour in range(100)])
    (rows,) = found.over_time()
    assert len(rows) <= STRETCHES
    assert sum(row.windows for row in rows) == 100


def test_a_table_shows_both_and_a_dash_for_what_is_unknown() -> None:
    """A metric that is only estimated has no realised value, and that is not 0."""
    table, note = score_parts(scores_of([line(0, "window", None, value(0.8, 0.05, 100))]))
    assert isinstance(table, Table)
    assert [next(iter(column.cells)) for column in table.columns[3:]] == ["0.9", "—", "0.8", "0.75 to 0.85", ""]
    assert "mean by rows" in str(note)


def test_without_performance_there_is_no_table() -> None:
    """A model whose performance nobody asks for has no such part."""
    history = History()
    history.scores.take(line(0, "window", None, None) | {"performance": []})
    assert list(score_parts(history.scores)) == []
