"""The part of ``check`` that says what is expected of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from monitor.cli.common import table

Body = Mapping[str, Any]


def quality_parts(model: Body) -> Iterator[Any]:
    """Yield a table of what is expected of each column, and what that may cost in false alarms."""
    quality = model["quality"]
    if not quality["expectations"] and not quality["skipped"]:
        yield "quality: not looked at"
        return
    shown = table(
        f"quality of {model['name']}", "column", f"expected in a window of {model['window']['min_rows']} rows"
    )
    for column, each in groupby(quality["expectations"], key=lambda one: one["column"]):
        shown.add_row(column or "", "; ".join(filter(None, map(_expected, each))))
    yield shown
    yield from _skipped(quality["skipped"])
    yield f"quality: at most {quality['false_alarms_per_30d']:.3g} false alarms in 30 days promised"


def _expected(one: Body) -> str:
    from monitor.quality.words import percent

    check, upper = one["check"], one["upper"]
    match check:
        case "schema":
            return "there"
        case "constant":
            return "not stuck"
        case "cardinality" | "attribution_ranking":
            least = "categories or more" if check == "cardinality" else "or more alike by attributions (NDCG)"
            return f"{one['lower']:.4g} {least}" if one["lower"] else ""
        case "range" | "length":
            low, high = one["range"]
            ends = f"{'' if low is None else f'{low:.4g}'} to {'' if high is None else f'{high:.4g}'}".strip()
            return f"{check} {ends} but for {percent(upper)}"
        case "type" | "missing" | "non_finite" | "unseen":
            return f"{check.replace('_', ' ')} up to {percent(upper)}"
    return f"{check} but for {percent(upper)}"


def _skipped(skipped: list[dict[str, Any]]) -> Iterator[str]:
    for why, each in groupby(sorted(skipped, key=lambda one: str(one["why"])), key=lambda one: one["why"]):
        found = [f"{one['column'] or ''} {one['check']}".strip() for one in each]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield f"quality not told ({why}): {', '.join(found[:_SHOWN])}{more}"


_SHOWN = 8
"""Checks that are named; of others only the number is told."""
