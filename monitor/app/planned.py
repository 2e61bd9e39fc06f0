"""What is planned for a model, as ``check`` shows it: its window, reference, columns, and the promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitor.calibration.channels import weights
from monitor.calibration.cures import GATHERING_REFERENCE, NO_REFERENCE, cure
from monitor.calibration.detectable import MISSING, UNSEEN, floors, main_floor, steps_to_find
from monitor.calibration.fitness import advice
from monitor.comparison import Histogram, Unit
from monitor.drift.by_evidently import EvidentlyRule, threshold_of
from monitor.instant import SECOND, to_text
from monitor.judge import Judge, expected_false_alarms, judged_fitness
from monitor.measure import finite
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import reference_path
from monitor.profile import ColumnBins
from monitor.record import Kind
from monitor.reference import ReferenceSettings
from monitor.trailing import trailing_of
from monitor.verdict import Why
from monitor.watched import Watched, features_of

Json = dict[str, Any]
FIXED_RULE, ASIDE = "fixed_rule", "outside_the_evidence"
_FITNESS = ("steps", "rows_a_step", "wobbling_ratio", "autocorrelation", "spells", "kappa")
_SHIFTS = (0.1, 0.25, 0.5, 1.0)
"""Standard deviations for which ``check`` says how long they take."""
_SHARES = (0.02, 0.05, 0.1, 0.25)
"""Changes of a share, as for ``_SHIFTS``."""


def window_body(plan: ModelPlan) -> Json:
    """Return how event time is cut."""
    window = plan.window
    return {
        "length_seconds": window.length.total_seconds(),
        "every_seconds": window.every.total_seconds(),
        "lateness_seconds": window.lateness.total_seconds(),
        "pane_seconds": window.pane / SECOND,
        "min_rows": window.min_rows,
    }


def reference_body(plan: ModelPlan, version: str, judge: Judge) -> Json:
    """Return what a reference holds; ``cycles`` is how often its main period fits into it."""
    reference, period = judge.reference, main_period(plan, judge)
    span = None if reference.first is None or reference.last is None else (reference.last - reference.first) / SECOND
    return {
        "path": reference_path(plan, version),
        "id": reference.id,
        "rows": reference.rows,
        "from": None if reference.first is None else to_text(reference.first),
        "to": None if reference.last is None else to_text(reference.last),
        "main_period_seconds": period,
        "cycles": None if period is None or span is None else round(span / period, 2),
        "fitness": fitness_body(judge),
        "advice": advice_lines(judge),
    }


def made_references(plan: ModelPlan) -> list[Json]:
    """Return what rows of the log the references of versions are made of; ``version`` is null for each.

    ``rows`` are the first ones, or as many as are held at most of one that follows the log: then ``renew_seconds`` is
    how often it is made anew, and ``length_seconds`` of how much of the log at most.
    """
    settings = plan.reference
    named = sorted(settings.items()) if isinstance(settings, Mapping) else [(None, settings)]
    return [_made_body(plan, name, each) for name, each in named if each.path is None]


def _made_body(plan: ModelPlan, name: str | None, settings: ReferenceSettings) -> Json:
    follows = trailing_of(settings.rolling, settings.season, plan.window)
    return {
        "version": name,
        "rows": settings.rows if follows is None else follows.rows,
        "kind": "rows" if follows is None else follows.kind,
        "renew_seconds": None if follows is None else follows.renew / SECOND,
        "length_seconds": None if follows is None else follows.length / SECOND,
    }


def fitness_body(judge: Judge) -> Json | None:
    """Return what a reference is worth to the engine; ``None`` without timestamps."""
    found = judged_fitness(judge)
    if judge.engine is None or found is None:
        return None
    body = {name: getattr(found, name) for name in _FITNESS}
    moved = [{"name": judge.engine.features[each.feature].name, "effect": each.effect} for each in found.moved]
    return body | {"moved": moved}


def advice_lines(judge: Judge) -> list[str]:
    """Return what would make a reference fitter, in words."""
    found, bare = judged_fitness(judge), _bare_lines(judge)
    if judge.engine is None or found is None:
        return [f"not calibrated ({judge.why}): {cure(judge.why)}", *bare]
    short = judge.why is not None and judge.engine.uncalibrated is None
    bare += [f"not calibrated ({judge.why}): seven of its seasons are to be held"] if short else []
    return [*advice(judge.engine, found), *bare]


def _bare_lines(judge: Judge) -> list[str]:
    """Return a line for columns without a value in the reference, and one for those with a single value."""
    reference = judge.reference
    columns = [bins.column for bins in reference.binning.columns]
    empty = (reference.profile.absent == reference.rows).tolist()
    none = [column.name for column, bare in zip(columns, empty, strict=True) if bare]
    one = [column.name for column in columns if column.kind is Kind.CONSTANT and column.name not in none]
    found = [(none, "no value", "take a reference with values"), (one, "one value", "take a longer reference")]
    return [
        f"{', '.join(names)}: {number} in the reference, so any other is drift; if that is wrong, exclude, or {way}"
        for names, number, way in found
        if names
    ]


def main_period(plan: ModelPlan, judge: Judge) -> float | None:
    """Return the season that the reference shows most plainly, in seconds; ``None`` where it shows none."""
    terms = judge.engine.null.season.terms if judge.engine is not None else ()
    return min((term.period for term in terms), default=0) * plan.window.every.total_seconds() or None


def calibration_body(plan: ModelPlan, judge: Judge | None) -> Json:
    """Return whether the promise holds, and what it is."""
    if judge is None:
        promised = plan.alerts.false_alarms.count * (30 * 86_400 / plan.alerts.false_alarms.period.total_seconds())
        figures = {"promised": promised, "expected": None, "lower": None, "upper": None}
        why = GATHERING_REFERENCE if made_references(plan) else NO_REFERENCE
        return {"calibrated": False, "calibration_why": why, "false_alarms_per_30d": figures}
    return promise_body(judge) | {"false_alarms_per_30d": expected_false_alarms(judge, plan.alerts)}


def promise_body(judge: Judge) -> Json:
    """Return whether the promise holds for a reference, and why not."""
    return {"calibrated": judge.calibrated, "calibration_why": judge.why}


def segments_body(judge: Judge | None) -> list[Json]:
    """Return the segments that are judged by themselves, with how many rows of the reference, and whether they page."""
    parts = () if judge is None else judge.parts
    return [
        {
            "segment": label,
            "rows": rows,
            "calibrated": own is not None and own.calibrated,
            "calibration_why": Why.REFERENCE_TOO_SHORT.value if own is None else own.why,
        }
        for part in parts
        for (label, own), rows in zip(part.labelled, part.cut.rows, strict=True)
    ]


def columns_body(plan: ModelPlan, judge: Judge) -> list[Json]:
    """Return every column of the reference, watched or not; the importance of those weighed sums to 1."""
    features = features_of(judge.reference, [judge.watched[index] for index in judge.weighed])
    importance = dict(
        zip([f.name for f in features], weights(features, np.arange(len(features))).tolist(), strict=True)
    )
    return [_column(plan, judge, bins, importance) for bins in judge.reference.binning.columns]


def _column(plan: ModelPlan, judge: Judge, bins: ColumnBins, importance: dict[str, float]) -> Json:
    column = bins.column
    watched = next((entry for entry in judge.watched if entry.column.name == column.name), None)
    body = {"name": column.name, "source": column.path, "role": column.role.value, "kind": column.kind.value}
    if watched is None:
        empty = dict.fromkeys(("method", "threshold", "minimum_effect", "importance"))
        by_facets = any(each.parent == column.name for each in judge.reference.all_columns)
        why = "its_facets_are" if by_facets else f"{column.kind.value}_is_not_compared"
        return body | empty | {"watched": False, "why": why, "findable": None}
    if watched.rule is not None:
        ruled = {"method": watched.told, "threshold": rule_threshold(watched, plan.window.min_rows)}
        told = {"minimum_effect": None, "importance": 0.0, "watched": True, "why": FIXED_RULE, "findable": None}
        return body | ruled | told
    at = None if watched.threshold is None else finite(watched.threshold.at(plan.window.min_rows))
    return body | {
        "method": watched.told,
        "threshold": at,
        "minimum_effect": watched.tolerance,
        "importance": importance.get(column.name, 0.0),
        "watched": True,
        "why": ASIDE if watched.aside else None,
        "findable": None if watched.aside else _findable(judge, column.name),
    }


def rule_threshold(watched: Watched, rows: int) -> float | None:
    """Return from which distance on a window of so many rows, its shares those of the reference, breaks a rule."""
    if isinstance(watched.rule, EvidentlyRule):
        by_guesses = watched.rule.test.by_level and not watched.rule.test.yields_p_value
        return None if by_guesses else finite(threshold_of(watched.rule.test, watched.rule.bound))
    if watched.rule is None:
        return None
    counts = np.append(watched.whole.counts, watched.whole.missing)
    reached = np.rint(np.cumsum(counts) * (rows / max(int(counts.sum()), 1))).astype(np.int64)
    scaled = np.diff(reached, prepend=0)
    like = Histogram(scaled[:-1], scaled[-1:].reshape(()), watched.whole.centres)
    return watched.rule.threshold(watched.method, watched.whole, like)


def _findable(judge: Judge, name: str) -> Json | None:
    """Return the floors of a column, and about how many steps some larger effects take; ``None`` without an engine."""
    engine = judge.engine
    if engine is None:
        return None
    feature = [each.name for each in engine.features].index(name)
    floor, known = main_floor(engine, feature), floors(engine, feature)
    ratios = {f"{name}_floor_ratio": known[name].value if name in known else None for name in (MISSING, UNSEEN)}
    body: Json = {"floor": None, "unit": None, "steps": [], **ratios}
    if floor is None:
        return body
    effects = _SHARES if floor.is_share else _SHIFTS
    steps = [{"effect": effect, "steps": steps_to_find(engine, floor, effect)} for effect in effects]
    return body | {"floor": floor.value, "unit": (Unit.RATIO if floor.is_share else Unit.SD).value, "steps": steps}
