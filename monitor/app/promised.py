"""What is promised of a model's service, and what is usual of it, as ``check`` shows it."""

from __future__ import annotations

from typing import Any

from monitor.instant import SECOND, microseconds
from monitor.judge import Judge
from monitor.performance.burning import pairs
from monitor.performance.objective import allowed_ratio, by_records
from monitor.performance.settings import ObjectiveSettings
from monitor.pipeline.habits import learning_steps
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.serving import ALERTS
from monitor.usual import LATENCY, VOLUME

Json = dict[str, Any]


def objectives_body(plan: ModelPlan) -> list[Json]:
    """Return each objective with its budget, and how fast that must burn for an alert.

    ``allowed_ratio`` of ``counts`` may be bad over ``over_seconds``; without a budget it is null, and so many
    ``windows`` in a row that are broken alert.
    """
    return [_objective(each, plan) for each in plan.performance.objectives]


def _objective(objective: ObjectiveSettings, plan: ModelPlan) -> Json:
    allowed = allowed_ratio(objective)
    burning = [] if allowed is None else pairs(microseconds(objective.over), microseconds(plan.window.every))
    return {
        "objective": objective.name,
        "alert": ALERTS[objective.figure.subject],
        "counts": "records" if by_records(objective) else "windows",
        "allowed_ratio": allowed,
        "over_seconds": None if allowed is None else objective.over.total_seconds(),
        "windows": plan.alerts.for_ if allowed is None else None,
        "burning": [
            {
                "long_seconds": pair.long / SECOND,
                "short_seconds": pair.short / SECOND,
                "rate": pair.rate,
                "severity": pair.severity,
            }
            for pair in burning
        ],
    }


def usual_body(plan: ModelPlan, judge: Judge | None) -> Json:
    """Return what latency and volume are held against, and why not yet; ``learning_steps`` where the stream tells."""
    known = {} if judge is None else judge.usual
    body: Json = {}
    for kind in (LATENCY, VOLUME):
        usual = known.get(kind)
        source = "stream" if usual is None else "reference"
        why = "learning" if usual is None else usual.why
        body[kind] = {"source": source, "why": why, "learning_steps": learning_steps(plan) if usual is None else None}
    return body
