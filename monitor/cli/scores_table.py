"""Performance in a backtest as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monitor.cli.common import plain, table
from monitor.cli.scores import Row, Scores
from monitor.web.shown import instant, number

NOTE = "of several windows the mean by rows; the band is that of a window"


def score_parts(scores: Scores) -> Iterator[Any]:
    """Yield a table of every metric over all windows, and one a version of how the first metric went."""
    whole = scores.whole()
    if not whole:
        return
    made = table("performance", "model", "metric", "windows", "reference", *_VALUES)
    for row in whole:
        name = f"{row.model} {plain(row.version)}".strip()
        made.add_row(name, row.metric, str(row.windows), number(row.reference), *values_of(row))
    yield made
    for rows in scores.over_time():
        if len(rows) > 1:
            name = f"{rows[0].model} {plain(rows[0].version)}".strip()
            made = table(f"{rows[0].metric} of {name}", "windows that end from", "windows", *_VALUES)
            for row in rows:
                made.add_row(instant(row.since), str(row.windows), *values_of(row))
            yield made
    yield f"performance: {NOTE}"


_VALUES = ("realised", "estimated", "band", "outside the band")


def values_of(row: Row) -> tuple[str, str, str, str]:
    """Return what is realised and estimated, as it is shown; a dash where it is unknown."""
    band = "" if row.lower is None else f"{number(row.lower)} to {number(row.upper)}"
    missed = f"{row.missed} of {row.both}" if row.both else ""
    return number(row.realised), number(row.estimated), band, missed
