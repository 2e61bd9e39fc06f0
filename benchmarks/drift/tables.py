"""The tables of a result: pages without drift, delays, and the bars that were set beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.drift.figures import NOT_FOUND, Rate, median_delay, pooled, share_found
from benchmarks.harness import Row, Scalar

Json = dict[str, Any]


def rates(body: Json) -> list[Row]:
    """Return pages per N by source, real sets pooled, iid worlds pooled, and everything pooled."""
    streams: list[Json] = body["nulls"]
    sources = dict.fromkeys(stream["source"] for stream in streams)
    groups = [(source, [stream for stream in streams if stream["source"] == source]) for source in sources]
    groups += [(name, list(filter(member, streams))) for name, member in POOLS.items()]
    return [_rate_row(name, members) for name, members in groups if members]


POOLS: dict[str, Callable[[Json], bool]] = {
    "all iid": lambda stream: stream["source"].startswith("iid"),
    "all real": lambda stream: stream["real"],
    "all": lambda _: True,
}


def rate_of(streams: Sequence[Json]) -> Rate:
    """Return the pages per N of some streams."""
    return pooled([(len(stream["pages"]), stream["steps"], stream["budget"]) for stream in streams])


def _rate_row(name: str, streams: Sequence[Json]) -> Row:
    found = rate_of(streams)
    return {
        "without drift": name,
        "streams": len(streams),
        "steps": found.steps,
        "pages": found.pages,
        "per N": round(found.per_budget, 2),
        "95 %": f"{found.lower:.2f} to {found.upper:.2f}",
        "streams that paged": sum(bool(stream["pages"]) for stream in streams),
        "uncalibrated": sum(stream["uncalibrated"] is not None for stream in streams),
    }


def delays(body: Json) -> list[Row]:
    """Return, for each fault, the median delay and the share found in each world."""
    worlds = list(dict.fromkeys(line["source"] for line in body["searches"]))
    faults = dict.fromkeys((line["kind"], line["size"]) for line in body["searches"])
    return [_delay_row(body["searches"], fault, worlds) for fault in faults]


def delays_of(lines: Sequence[Json], source: str, kind: str, size: float) -> list[float]:
    """Return the delays of one fault in one world."""
    found = [line for line in lines if (line["source"], line["kind"], line["size"]) == (source, kind, size)]
    return [NOT_FOUND if line["delay"] is None else line["delay"] for line in found]


def _delay_row(lines: Sequence[Json], fault: tuple[str, float], worlds: Sequence[str]) -> Row:
    row: dict[str, Scalar] = {"drift": f"{fault[0]} {fault[1]:g}"}
    for world in worlds:
        took = delays_of(lines, world, *fault)
        row[world] = f"{_median(took)} ({share_found(took):.0%})" if took else None
    return row


def _median(took: Sequence[float]) -> str:
    middle = median_delay(took)
    return f"{middle:g}" if math.isfinite(middle) else "--"


RATE_BARS = (("all", 1.0), ("all iid", 1.0), ("t3 shocks", 3.0))
EACH_REAL = 2.0
DELAY_BARS = (
    ("iid", "location", 0.3, 1.0),
    ("iid", "scale", 1.25, 1.0),
    ("iid", "missing", 0.04, 2.0),
    ("iid", "location", 0.1, 18.0),
    ("AR .7, day and week", "location", 0.3, 16.0),
    ("AR .7, day and week", "missing", 0.04, 4.0),
    ("flights", "add", 5.0, 44.0),
    ("flights", "missing", 0.05, 40.0),
    ("flights", "relabel", 0.5, 4.0),
    ("flights", "unit", 1.0, 1.0),
    ("flights", "new level", 1.0, 1.0),
)
COST_BARS = (("step_ms", 3.0), ("compile_seconds", 6.0), ("state_kb", 200.0))


def bars(body: Json) -> list[Row]:
    """Return each bar with what was measured."""
    streams, lines = body["nulls"], body["searches"]
    rows = []
    for name, bar in RATE_BARS:
        members = [stream for stream in streams if (POOLS[name](stream) if name in POOLS else stream["source"] == name)]
        rows.append(_bar(f"pages per N, {name}", bar, round(rate_of(members).per_budget, 2)))
    for name in dict.fromkeys(stream["source"] for stream in streams if stream["real"]):
        members = [stream for stream in streams if stream["source"] == name]
        rows.append(_bar(f"pages per N, {name}", EACH_REAL, round(rate_of(members).per_budget, 2)))
    for source, kind, size, bar in DELAY_BARS:
        took = delays_of(lines, source, kind, size)
        rows.append(_bar(f"steps until found, {source}: {kind} {size:g}", bar, median_delay(took)))
    trivial = sum(map(math.isfinite, delays_of(lines, "iid", "trivial", 0.02)))
    rows.append(_bar("found, iid: trivial 0.02 sd", 0.0, trivial))
    return rows + [_bar(f"cost, {name}", bar, body["cost"][name]) for name, bar in COST_BARS]


def _bar(name: str, bar: float, measured: float) -> Row:
    shown = measured if math.isfinite(measured) else "not found"
    return {"bar": name, "at most": bar, "measured": shown, "result": "pass" if measured <= bar else "MISS"}
