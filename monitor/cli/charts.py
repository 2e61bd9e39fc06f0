"""What a backtest's page draws, in boxes 1000 wide: evidence over time, alerts, and the columns that drifted most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor.cli.heat import Heat, Trace, runs
from monitor.instant import SECOND, Instant, from_text, to_text
from monitor.web import shown

if TYPE_CHECKING:
    from monitor.cli.backtesting import Point

WIDTH, HEIGHT = 1000.0, 160.0
ROWS = 20
"""So many columns are drawn; of the others it is said how many there are."""
_DRAWN = 800
"""So many stretches a line tells apart; of the windows in one the largest evidence is drawn."""
_LEAST = 2.0
"""An alert is at least so wide, to be seen; of alerts that touch one box is drawn."""
LEVELS = (0.5, 1.0, 2.0, 4.0)
_DAY = 86_400 * SECOND
_STEPS = [SECOND * size for size in (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400)]
_TICKS = 8
_EDGE = 0.1
_ABOVE = 1.15
"""How much higher a chart is than its threshold, on its own scale: what lies beyond is cut."""


class Tick(NamedTuple):
    """A label: its place in a box, in hundredths of its width, and the side on which there is room for it."""

    x: float
    percent: float
    text: str
    side: str


class Box(NamedTuple):
    """A stretch of time: where it begins, how wide it is, its level, and what is said of it."""

    x: float
    width: float
    level: int
    title: str


class Lane(NamedTuple):
    """A column over time."""

    trace: Trace
    boxes: list[Box]
    said: str


class Chart(NamedTuple):
    """One model and version over time."""

    title: str
    path: str
    threshold: float
    alerts: list[Box]
    ticks: list[Tick]
    lanes: list[Lane]
    left_out: str


class Axis(NamedTuple):
    """Event time from the begin of the first window to the end of the last."""

    first: Instant
    last: Instant

    def across(self, at: Instant) -> float:
        """Return where an instant lies in a box."""
        return round(min(max((at - self.first) / (self.last - self.first), 0.0), 1.0) * WIDTH, 1)


def chart(title: str, points: Sequence[Point], heat: Heat, episodes: Iterable[dict[str, Any]]) -> Chart:
    """Draw evidence against its threshold, both on a logarithmic scale, and under it the columns."""
    axis = Axis(heat.begin, max(heat.end, heat.begin + 1))
    limits = [point.threshold for point in points if point.threshold is not None]
    top = _ABOVE * math.log1p(max(limits, default=1.0))
    ranked = heat.ranked()
    return Chart(
        title,
        _path(points, axis, top),
        _down(max(limits, default=0.0), top),
        joined(_fired(episodes, axis)),
        ticks(axis),
        [_lane(trace, heat, axis) for trace in ranked[:ROWS]],
        _left_out(ranked[ROWS:]),
    )


def _down(evidence: float, top: float) -> float:
    return round(HEIGHT - min(math.log1p(evidence) / top, 1.0) * HEIGHT, 1)


def _path(points: Sequence[Point], axis: Axis, top: float) -> str:
    highest: dict[float, float] = {}
    for point in points:
        x = round(axis.across(point.end) * _DRAWN / WIDTH) * WIDTH / _DRAWN
        highest[x] = max(highest.get(x, 0.0), point.evidence or 0.0)
    places = enumerate(highest.items())
    return " ".join(f"{'L' if place else 'M'}{x:.1f} {_down(evidence, top)}" for place, (x, evidence) in places)


def _fired(episodes: Iterable[dict[str, Any]], axis: Axis) -> list[Box]:
    boxes = []
    for each in episodes:
        start = axis.across(from_text(each["started_at"]))
        end = axis.across(from_text(each["resolved_at"]) if each["resolved_at"] else axis.last)
        start = min(start, WIDTH - _LEAST)
        title = f"{shown.instant(each['started_at'])}: {each['name']}, {', '.join(each['columns'])}".removesuffix(", ")
        boxes.append(Box(start, round(max(end - start, _LEAST), 1), 0, title))
    return boxes


def joined(boxes: Sequence[Box]) -> list[Box]:
    """Return boxes of which those that touch are one: as many as there is room for, however many there were."""
    found: list[tuple[Box, int]] = []
    for box in sorted(boxes):
        last = found[-1] if found else None
        if last is not None and box.x <= last[0].x + last[0].width:
            end = max(box.x + box.width, last[0].x + last[0].width)
            found[-1] = (last[0]._replace(width=round(end - last[0].x, 1)), last[1] + 1)
        else:
            found.append((box, 0))
    return [box._replace(title=f"{box.title}; and {more} more") if more else box for box, more in found]


def _lane(trace: Trace, heat: Heat, axis: Axis) -> Lane:
    boxes = []
    for first, after, level, ratio in runs(trace.ratios, LEVELS):
        since, until = heat.begin + first * heat.width, min(heat.begin + after * heat.width, axis.last)
        x = axis.across(since)
        when = f"{shown.instant(to_text(since))} to {shown.instant(to_text(until))}"
        title = f"{trace.name}, {when}: at most {shown.number(ratio)} times its threshold"
        boxes.append(Box(x, round(axis.across(until) - x, 1), level, title))
    said = f"{trace.name}: over its threshold in {trace.over} of {trace.judged} windows"
    if trace.first is not None:
        said += f", first {shown.instant(to_text(trace.first))}, at most {shown.number(trace.highest[0])} times it"
    return Lane(trace, boxes, said)


def _left_out(traces: Sequence[Trace]) -> str:
    over = sum(trace.over > 0 for trace in traces)
    if not traces:
        return ""
    return f"{len(traces)} more columns are not shown, of which {over or 'none'} ever lay over its threshold."


def ticks(axis: Axis) -> list[Tick]:
    """Return at most eight round instants, with the time of day where they are less than a day apart."""
    least = (axis.last - axis.first) / _TICKS
    step = next((each for each in _STEPS if each >= least), -(-int(least) // _DAY) * _DAY)
    made = []
    for at in range(-(-axis.first // step) * step, axis.last, step):
        share = axis.across(at) / WIDTH
        side = "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"
        text = to_text(at)[:10] if step >= _DAY else to_text(at)[5:16].replace("T", " ")
        made.append(Tick(axis.across(at), round(share * 100, 2), text, side))
    return made
