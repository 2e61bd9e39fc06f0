"""Every watched column of a window, as users see it: distance, threshold, effect, and both sides in figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from monitor.bins import NumericBins
from monitor.comparison import Effect, Histogram, Side, histogram_of, share_effect, shift_effect, sides_of
from monitor.drift.by_evidently import EvidentlyRule
from monitor.drift.rule import Rule
from monitor.instant import to_text
from monitor.judge import Judge, Memory, coarse_counts
from monitor.profile import Integers, Profile
from monitor.verdict import Verdict, Why
from monitor.watched import Watched

Json = dict[str, Any]


def measure_columns(
    judge: Judge,
    memory: Memory,
    profile: Profile,
    least_rows: int,
    every: int,
    tested: Mapping[str, Json] = MappingProxyType({}),
) -> list[Json]:
    """Return the ``Column`` objects of a window, the largest share of the drift first, then by name.

    Parameters
    ----------
    memory: after the window's step: the evidence by column.
    least_rows: a window with fewer rows is not judged.
    every: length of a stretch in microseconds.
    tested: what a child process says of columns under a rule on one of Evidently's tests, by name.
    """
    logs = np.log1p(np.asarray(memory.parts))
    total = float(logs.sum())
    evident = dict(zip(judge.weighed, zip(logs.tolist(), memory.began, strict=True), strict=True))
    binned = coarse_counts(judge, profile)
    sides = sides_of(profile, judge.reference.binning)
    columns = []
    for index, (entry, bins) in enumerate(zip(judge.watched, binned, strict=True)):
        weight, began = evident.get(index, (0.0, None))
        column = _column(judge, entry, (profile, bins, sides[entry.place]), least_rows)
        column |= tested.get(entry.column.name, {})
        column["share_of_drift"] = weight / total if total > 0 else None
        column["began_at"] = None if began is None else to_text(began * every)
        columns.append(column)
    return sorted(columns, key=lambda column: (-(column["share_of_drift"] or 0.0), column["name"]))


def _column(judge: Judge, entry: Watched, current: tuple[Profile, Integers, Side], least_rows: int) -> Json:
    profile, bins, side = current
    binning, place = judge.reference.binning, entry.place
    is_number = isinstance(binning.columns[place].bins, NumericBins)
    if entry.method.grain == "cells":
        new = histogram_of(profile, binning, place)
    else:
        new = Histogram(bins, profile.absent[place], entry.whole.centres)
    found = _measured(entry, new, rows=profile.rows, least_rows=least_rows)
    return {
        "name": entry.column.name,
        "role": entry.column.role.value,
        "kind": entry.column.kind.value,
        **found,
        "effect": effect_body(shift_effect(entry.side, side) if is_number else share_effect(entry.whole, new)),
        "share_of_drift": None,
        "began_at": None,
        "reference": side_body(entry.side),
        "current": side_body(side),
    }


def _measured(entry: Watched, new: Histogram, *, rows: int, least_rows: int) -> Json:
    """Return verdict, reason, method, distance, p-value and threshold of a column."""
    if rows < least_rows or isinstance(entry.rule, EvidentlyRule):
        return _verdict(entry, Verdict.INSUFFICIENT_DATA, Why.TOO_FEW_ROWS)
    seen = float(entry.method.rows(new))
    if seen < entry.method.least_rows:
        return _verdict(entry, Verdict.INSUFFICIENT_DATA, Why.NO_VALUES)
    try:
        distance = finite(float(entry.distance(new)))
        p_value = finite(float(entry.method.p_value(entry.whole, new))) if entry.method.p_value else None
        return _held(entry, new, distance, p_value)
    except (ArithmeticError, ValueError, IndexError):
        return _verdict(entry, Verdict.FAILED, Why.METHOD_FAILED)


def _held(entry: Watched, new: Histogram, distance: float | None, p_value: float | None) -> Json:
    """Hold a distance against the column's rule, or else against what is usual for so many rows."""
    if isinstance(entry.rule, Rule) and distance is not None:
        return _ruled(entry, entry.rule, new, distance, p_value)
    if entry.threshold is None or distance is None:
        why = Why.NO_TIMESTAMPS if entry.threshold is None and entry.rule is None else Why.NO_VALUES
        return _verdict(entry, Verdict.INSUFFICIENT_DATA, why, distance, p_value)
    if not entry.threshold.known:
        return _verdict(entry, Verdict.INSUFFICIENT_DATA, Why.REFERENCE_TOO_SHORT, distance, p_value)
    threshold = entry.threshold.at(float(entry.method.rows(new)))
    over = distance >= threshold
    verdict, why = (
        (Verdict.DRIFTED, Why.DISTANCE_OVER_THRESHOLD) if over else (Verdict.STABLE, Why.DISTANCE_UNDER_THRESHOLD)
    )
    return _verdict(entry, verdict, why, distance, p_value) | {"threshold": threshold}


def _ruled(entry: Watched, rule: Rule, new: Histogram, distance: float, p_value: float | None) -> Json:
    """Return what a fixed rule says: outside the promise, and outside the evidence."""
    threshold = rule.threshold(entry.method, entry.whole, new)
    broken = distance >= threshold
    verdict, why = (Verdict.DRIFTED, Why.RULE_BROKEN) if broken else (Verdict.STABLE, Why.RULE_KEPT)
    return _verdict(entry, verdict, why, distance, p_value) | {"threshold": threshold}


def _verdict(
    entry: Watched, verdict: Verdict, why: Why, distance: float | None = None, p_value: float | None = None
) -> Json:
    return {
        "verdict": verdict.value,
        "why": why.value,
        "method": entry.told,
        "distance": distance,
        "p_value": p_value,
        "threshold": None,
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


def rules_verdict(columns: list[Json]) -> tuple[Verdict, Why]:
    """Return what fixed rules alone say of a window: the alert says drifted, once one is broken for long enough.

    A window in which no column could be judged, or the rule of one is not known as its test failed, is not known to be
    stable.
    """
    failed = next((column["why"] for column in columns if column["verdict"] == Verdict.FAILED.value), None)
    found = {column["why"] for column in columns}
    if Why.RULE_BROKEN.value in found:
        return Verdict.STABLE, Why.RULE_PENDING
    if failed is not None:
        return Verdict.FAILED, Why(failed)
    if Why.RULE_KEPT.value in found:
        return Verdict.STABLE, Why.RULES_KEPT
    few = Why.TOO_FEW_ROWS.value in found
    return Verdict.INSUFFICIENT_DATA, Why.TOO_FEW_ROWS if few else Why.NO_VALUES
