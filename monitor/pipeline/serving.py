"""The service around a model, window by window: errors, resources, freshness, and the objectives that name them.

Objectives are what users need, not what is usual: they are outside the false-alarm budget. One with a budget of bad
records or windows alerts at once when it burns too fast; one without alerts after ``for`` broken windows in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from monitor.history import step_length
from monitor.instant import SECOND, Instant, microseconds
from monitor.latency import BINS
from monitor.performance.burning import Burning, Ledger, budget_left, burn_rate, burning, enter, pairs
from monitor.performance.objective import Reading, Served, allowed_ratio, by_records, is_broken, read
from monitor.performance.settings import ObjectiveSettings, Subject
from monitor.pipeline.closed import Closed
from monitor.pipeline.habits import Habit, watch_habits
from monitor.pipeline.model import Model, Version
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.ruling import Finding
from monitor.profile import Profile
from monitor.settings import duration_text
from monitor.usage import Integers, Usage, amount_figures

Json = dict[str, Any]
ALERTS = {
    Subject.LATENCY: "latency",
    Subject.ERRORS: "latency",
    Subject.RESOURCE: "latency",
    Subject.VOLUME: "volume",
    Subject.FRESHNESS: "volume",
    Subject.PERFORMANCE: "performance",
}
"""The alert of each kind of figure; that on latency stands for how the model is served."""


def usage_body(profile: Profile, used: Mapping[str, Any]) -> Json:
    """Return errors and resources of a window as users see them; ``used``: what its server told by itself."""
    usage = profile.usage
    return {
        "errors_ratio": usage.errors / profile.rows if profile.rows else None,
        "resources": {**resources_body(usage.resources), **used},
    }


def resources_body(resources: Mapping[str, Integers]) -> Json:
    """Return resources as users see them, by name."""
    return {name: amount_figures(amounts) for name, amounts in sorted(resources.items())}


def served(model: Model, name: str, profile: Profile | None, rows: Mapping[str, int], end: Instant) -> Served:
    """Return what a stretch showed of a version.

    Parameters
    ----------
    profile: ``None`` without a reference.
    rows: of the stretch, by version.
    """
    version = model.versions[name]
    usage = profile.usage if profile is not None else Usage()
    if usage.newest is not None:
        version.newest = usage.newest if version.newest is None else max(version.newest, usage.newest)
    told = model.plan.used(end - microseconds(model.plan.window.every), end)
    usage = replace(usage, resources={**usage.resources, **told})
    age = None if version.newest is None else max(end - version.newest, 0) / SECOND
    latency = profile.latency if profile is not None else np.zeros(BINS, np.int64)
    replaced = not rows[name] and any(rows.values())
    return Served(rows[name], latency, usage, age, model.plan.sampling.rate, replaced=replaced)


def watch_service(model: Model, name: str, seen: Served, closed: Closed, sharing: int) -> list[Finding]:
    """Look at what is usual of a version, and at its objectives that need no target; write it into its window.

    ``sharing``: how many live versions share the budget.
    """
    window, version = closed.window_of(name), model.versions[name]
    window["freshness_seconds"] = seen.freshness_seconds
    asked = model.plan.performance.objectives
    version.ledgers = {each.name: version.ledgers.get(each.name, Ledger()) for each in asked if _has_budget(each)}
    window["usual"] = watch_habits(version.habits, model.plan, seen, closed.end, sharing)
    found = [_unusual(habit, model.plan, seen) for habit in version.habits.values()]
    for objective in asked:
        if objective.figure.subject is Subject.PERFORMANCE:
            unknown = _body(objective, Reading(None, None, None), broken=None)
            window["objectives"].append(version.promised.get(objective.name, unknown))
            continue
        body, finding = _watch(model, version, objective, read(objective, seen), closed.end)
        window["objectives"].append(body)
        found.append(finding)
    return found


def watch_scores(
    model: Model,
    name: str,
    scores: Mapping[str, tuple[float, float | None, float | None]],
    end: Instant,
    closed: Closed,
) -> list[Finding]:
    """Look at the objectives on performance, once a window: when its targets are first known.

    What is said of them stands in the window that closes now, and in later ones until more is known.

    Parameters
    ----------
    scores: by metric, the realised value and the bounds of its interval.
    end: of the window that was scored.

    Returns
    -------
    One finding each for the alert ``performance``.
    """
    version, found = model.versions[name], []
    for objective in model.plan.performance.objectives:
        if objective.figure.subject is Subject.PERFORMANCE:
            known = scores.get(objective.metric)
            reading = Reading(None, None, None) if known is None else Reading(*known)
            body, finding = _watch(model, version, objective, reading, end)
            version.promised[objective.name] = body
            found.append(finding)
    for window in closed.windows:
        if window["version"] == name:
            window["objectives"] = [version.promised.get(each["objective"], each) for each in window["objectives"]]
    return found


def _unusual(habit: Habit, plan: ModelPlan, seen: Served) -> Finding:
    breached = habit.standing and not habit.calm
    known = habit.usual is not None and habit.usual.calibrated and not seen.replaced
    cause = {"kind": "unusual", "column": None, "detail": habit.detail, "factor": habit.factor}
    return Finding(
        habit.kind,
        breached if known else None,
        diagnosis={"class": "unclear", "causes": [cause]},
        at_once=True,
        began_at=None if habit.began is None else habit.began * step_length(plan.window),
    )


def _has_budget(objective: ObjectiveSettings) -> bool:
    return allowed_ratio(objective) is not None


def _watch(
    model: Model, version: Version, objective: ObjectiveSettings, reading: Reading, end: Instant
) -> tuple[Json, Finding]:
    broken, allowed = is_broken(objective, reading), allowed_ratio(objective)
    if allowed is None:
        body = _body(objective, reading, broken=broken)
        return body, _finding(objective, _missed(objective, reading), breached=broken)
    lengths = microseconds(objective.over), microseconds(model.plan.window.every)
    ledger = version.ledgers.setdefault(objective.name, Ledger())
    counted = (reading.bad, reading.records) if by_records(objective) else (int(bool(broken)), int(broken is not None))
    if counted[1]:
        enter(ledger, end, counted, *lengths)
    due = burning(ledger, end, allowed, lengths)
    body = _body(objective, reading, broken=broken)
    body["burn_rates"] = _rates(ledger, end, allowed, lengths)
    body["budget_left_ratio"] = budget_left(ledger, end, allowed, lengths)
    if due is not None:
        return body, _finding(objective, _burnt(objective, due), breached=True, severity=due.pair.severity)
    return body, _finding(objective, "", breached=None if reading.value is None else False)


def _body(objective: ObjectiveSettings, reading: Reading, *, broken: bool | None) -> Json:
    return {
        "objective": objective.name,
        "metric": objective.metric,
        "value": reading.value,
        "lower": reading.lower,
        "upper": reading.upper,
        "broken": broken,
        "burn_rates": [],
        "budget_left_ratio": None,
    }


def _rates(ledger: Ledger, end: Instant, allowed: float, lengths: tuple[int, int]) -> list[Json]:
    """Return the burn rate over every window that an alert looks at, shortest first."""
    windows = sorted({length for pair in pairs(*lengths) for length in (pair.long, pair.short)})
    rates = ((length, burn_rate(ledger, end, length, allowed, lengths)) for length in windows)
    return [{"over_seconds": length / SECOND, "rate": rate} for length, rate in rates]


def _finding(
    objective: ObjectiveSettings, detail: str, *, breached: bool | None, severity: str | None = None
) -> Finding:
    cause = {"kind": "objective", "column": None, "detail": detail, "factor": None}
    return Finding(
        ALERTS[objective.figure.subject],
        breached,
        diagnosis={"class": "unclear", "causes": [cause]},
        severity=severity or "warning",
        at_once=severity is not None,
    )


def _missed(objective: ObjectiveSettings, reading: Reading) -> str:
    value = "unknown" if reading.value is None else f"{reading.value:.4g}"
    return f"{objective.name}: {value}"


def _burnt(objective: ObjectiveSettings, due: Burning) -> str:
    """Say how fast a budget burns, in words."""
    long, short = (duration_text(timedelta(microseconds=length)) for length in (due.pair.long, due.pair.short))
    return (
        f"{objective.name}: the budget of {duration_text(objective.over)} burns {due.over_long:.3g} times too fast "
        f"over {long} and {due.over_short:.3g} over {short}"
    )
