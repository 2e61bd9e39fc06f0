"""What a backtest's page draws of performance, in boxes 1000 wide: realised and estimated over time, with bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from monitor.cli.charts import HEIGHT, Axis, Tick, ticks
from monitor.cli.scores import Row
from monitor.instant import from_text

DRAWN = 200
"""So many points at most; of more windows each point is the mean of several."""
_ROOM = 0.06
"""Above and below what is drawn, as a part of its height."""
_SHORT = 4.0
"""A point that has no neighbour is a stroke so long, to be seen."""

Place = Callable[[float], float]
"""Where a value lies in a box."""


class ScoresChart(NamedTuple):
    """One metric of one model and version over time; paths are those of SVG.

    ``windows``: how many are one point. ``lowest``, ``highest``: the ends of the scale. ``said``: the chart in words.
    """

    title: str
    metric: str
    rows: Sequence[Row]
    windows: int
    lowest: float
    highest: float
    reference: float | None
    band: str
    estimated: str
    realised: str
    intervals: str
    outside: str
    ticks: list[Tick]
    said: str


def drawn(rows: Sequence[Row]) -> ScoresChart | None:
    """Draw the rows of one metric in the order of time; ``None`` of a single one, which has no course."""
    if len(rows) < 2:  # noqa: PLR2004 - two points make a line
        return None
    ends = [from_text(row.since) for row in rows]
    axis = Axis(ends[0], ends[-1])
    lowest, highest = _scale(rows)
    across = [axis.across(end) for end in ends]

    def down(value: float) -> float:
        return round(HEIGHT - (value - lowest) / (highest - lowest) * HEIGHT, 1)

    reference = rows[-1].reference
    points = list(zip(across, rows, strict=True))
    return ScoresChart(
        f"{rows[0].model} {rows[0].version}".strip(),
        rows[0].metric,
        rows,
        rows[0].windows,
        lowest,
        highest,
        None if reference is None else down(reference),
        _band(points, down),
        _line([(x, row.estimated) for x, row in points], down),
        _line([(x, row.realised) for x, row in points], down),
        _intervals(points, down),
        " ".join(f"M{x} {down(row.realised)}h0" for x, row in points if row.realised is not None and row.missed),
        ticks(axis),
        _said(rows),
    )


def _scale(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of a scale that has room for every point, bound and reference."""
    bounds = [bound for row in rows if row.interval is not None for bound in row.interval]
    values = [value for row in rows for value in (row.reference, row.realised, row.estimated, row.lower, row.upper)]
    known = [*bounds, *(value for value in values if value is not None)]
    room = (max(known) - min(known)) * _ROOM or abs(max(known)) * _ROOM or 1.0
    return min(known) - room, max(known) + room


def _stretches(values: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Yield the points of each stretch without a gap."""
    stretch: list[tuple[float, float]] = []
    for x, value in values:
        if value is not None:
            stretch.append((x, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _line(values: Sequence[tuple[float, float | None]], down: Place) -> str:
    parts = []
    for stretch in _stretches(values):
        lone = f"M{max(stretch[0][0] - _SHORT / 2, 0.0)} {down(stretch[0][1])}h{_SHORT}"
        line = "M" + " L".join(f"{x} {down(value)}" for x, value in stretch)
        parts.append(line if len(stretch) > 1 else lone)
    return " ".join(parts)


def _band(points: Sequence[tuple[float, Row]], down: Place) -> str:
    """Return the area of the band; a point that has no neighbour is a strip as wide as a lone stroke."""
    stretches: list[list[tuple[float, float, float]]] = [[]]
    for x, row in points:
        if row.lower is not None and row.upper is not None:
            stretches[-1].append((x, down(row.upper), down(row.lower)))
        elif stretches[-1]:
            stretches.append([])
    return " ".join(_area(stretch) for stretch in stretches if stretch)


def _area(stretch: Sequence[tuple[float, float, float]]) -> str:
    """Return the area between the tops and bottoms of some points, (x, top, bottom)."""
    if len(stretch) == 1:
        x, top, bottom = stretch[0]
        stretch = [(x - _SHORT / 2, top, bottom), (x + _SHORT / 2, top, bottom)]
    around = [*((x, top) for x, top, _ in stretch), *((x, bottom) for x, _, bottom in reversed(stretch))]
    return "M" + " L".join(f"{x} {y}" for x, y in around) + "Z"


def _intervals(points: Sequence[tuple[float, Row]], down: Place) -> str:
    known = [(x, row.interval) for x, row in points if row.interval is not None]
    return " ".join(f"M{x} {down(upper)}V{down(lower)}" for x, (lower, upper) in known)


def _said(rows: Sequence[Row]) -> str:
    missed, both = (sum(getattr(row, name) for row in rows) for name in ("missed", "both"))
    title = f"{rows[0].model} {rows[0].version}".strip()
    compared = f", realised outside of the estimate's band in {missed} of {both} windows" if both else ""
    return f"{rows[0].metric} of {title} over time, realised and estimated{compared}; the table below has every point"
