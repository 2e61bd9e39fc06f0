"""Every watched column of a window, as users see it: distance, threshold, effect, and both sides in figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from monitor.bins import NumericBins
from monitor.comparison import Effect, Histogram, Side, histogram_of, share_effect, shift_effect, side_of
from monitor.drift.method import value_rows
from monitor.instant import to_text
from monitor.judge import Judge, Memory, Watched
from monitor.profile import Profile
from monitor.verdict import Verdict, Why

Json = dict[str, Any]


def measure_columns(judge: Judge, memory: Memory, profile: Profile, least_rows: int, every: int) -> list[Json]:
    """Return the ``Column`` objects of a window, the largest share of the drift first, then by name.

    Parameters
    ----------
    memory: after the window's step: the evidence by column.
    least_rows: a window with fewer rows is not judged.
    every: length of a stretch in microseconds.
    """
    logs = np.log1p(np.asarray(memory.parts))
    total = float(logs.sum())
    columns = []
    for entry, weight, began in zip(judge.watched, logs, memory.began, strict=True):
        share = float(weight) / total if total > 0 else None
        since = None if began is None else to_text(began * every)
        columns.append(_column(judge, entry, profile, least_rows) | {"share_of_drift": share, "began_at": since})
    return sorted(columns, key=lambda column: (-(column["share_of_drift"] or 0.0), column["name"]))


def _column(judge: Judge, entry: Watched, profile: Profile, least_rows: int) -> Json:
    binning, place = judge.reference.binning, entry.place
    old, new = (_grained(judge, entry, side) for side in (judge.reference.profile, profile))
    sides = tuple(side_of(side, binning, place) for side in (judge.reference.profile, profile))
    found = _measured(entry, old, new, rows=profile.rows, least_rows=least_rows)
    effect = shift_effect(*sides) if isinstance(binning.columns[place].bins, NumericBins) else share_effect(old, new)
    return {
        "name": entry.column.name,
        "role": entry.column.role.value,
        "kind": entry.column.kind.value,
        **found,
        "effect": effect_body(effect),
        "share_of_drift": None,
        "began_at": None,
        "reference": side_body(sides[0]),
        "current": side_body(sides[1]),
    }


def _grained(judge: Judge, entry: Watched, profile: Profile) -> Histogram:
    histogram = histogram_of(profile, judge.reference.binning, entry.place)
    fold = judge.reference.folds[entry.place]
    return histogram if entry.method.grain == "cells" or fold is None else histogram.folded(fold)


def _measured(entry: Watched, old: Histogram, new: Histogram, *, rows: int, least_rows: int) -> Json:
    """Return verdict, reason, method, distance, p-value and threshold of a column."""
    body: Json = {"verdict": Verdict.INSUFFICIENT_DATA.value, "why": Why.TOO_FEW_ROWS.value}
    body |= {"method": entry.method.name, "distance": None, "p_value": None, "threshold": None}
    if rows < least_rows:
        return body
    values = float(value_rows(new))
    if values < entry.method.least_rows and not int(new.missing):
        return body | {"why": Why.NO_VALUES.value}
    try:
        distance = finite(float(entry.method.distance(old, new)))
        p_value = finite(float(entry.method.p_value(old, new))) if entry.method.p_value else None
    except (ArithmeticError, ValueError, IndexError):
        return body | {"verdict": Verdict.FAILED.value, "why": Why.METHOD_FAILED.value}
    body |= {"distance": distance, "p_value": p_value}
    if entry.threshold is None or distance is None:
        return body | {"why": Why.NO_TIMESTAMPS.value if entry.threshold is None else Why.NO_VALUES.value}
    threshold = finite(entry.threshold.at(max(values, 1.0)))
    over = threshold is not None and distance >= threshold
    return body | {
        "threshold": threshold,
        "verdict": (Verdict.DRIFTED if over else Verdict.STABLE).value,
        "why": (Why.DISTANCE_OVER_THRESHOLD if over else Why.DISTANCE_UNDER_THRESHOLD).value,
    }


def finite(value: float | None) -> float | None:
    """Return a number, or ``None`` where it is not one."""
    return value if value is not None and math.isfinite(value) else None


def effect_body(effect: Effect | None) -> Json | None:
    """Return an effect as users see it."""
    if effect is None or not math.isfinite(effect.value):
        return None
    return {"value": effect.value, "lower": effect.lower, "upper": effect.upper, "unit": effect.unit.value}


def side_body(side: Side) -> Json:
    """Return one side of a comparison as users see it."""
    return {
        "rows": side.rows,
        "missing_ratio": side.missing_ratio,
        "unseen_ratio": side.unseen_ratio,
        "mean": side.mean,
        "sd": side.sd,
    }


def judged(columns: list[Mapping[str, Any]] | list[Json]) -> int:
    """Return how many columns have a verdict of stable or drifted."""
    return sum(column["verdict"] in (Verdict.STABLE.value, Verdict.DRIFTED.value) for column in columns)


def drifted(columns: list[Mapping[str, Any]] | list[Json]) -> int:
    """Return how many columns are drifted."""
    return sum(column["verdict"] == Verdict.DRIFTED.value for column in columns)
