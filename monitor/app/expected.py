"""What is expected of the data's quality, as ``check`` shows it."""

from __future__ import annotations

from typing import Any

from monitor.alert import AlertSettings
from monitor.judge import Judge
from monitor.pipeline.plan import ModelPlan

Json = dict[str, Any]
_THIRTY_DAYS_SECONDS = 30 * 86_400.0


def quality_body(plan: ModelPlan, judge: Judge | None) -> Json:
    """Return the expectations with what they allow in a window of ``min_rows``, and their part of the budget.

    ``skipped`` says of which checks nothing can be told, and why.
    """
    held = () if judge is None else judge.expected.held
    each = 0.0 if judge is None else judge.quality_level / max(len(held), 1)
    shown = []
    for expectation in held:
        bounds = expectation.allowed.bounds(plan.window.min_rows, each)
        scope = {"column": expectation.column, "check": expectation.check}
        shown.append(scope | {"lower": bounds.lower, "upper": bounds.upper, "range": list(expectation.ends)})
    skipped = () if judge is None else judge.expected.skipped
    return {
        "false_alarms_per_30d": quality_promise(plan.alerts),
        "expectations": shown,
        "skipped": [{"column": one.column, "check": one.check, "why": one.why} for one in skipped],
    }


def quality_promise(alerts: AlertSettings) -> float:
    """Return how many false quality alerts the budget leaves in 30 days."""
    rate = alerts.false_alarms
    return rate.count * alerts.share.quality * (_THIRTY_DAYS_SECONDS / rate.period.total_seconds())
