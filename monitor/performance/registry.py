"""All performance metrics by name, and which of them a model's task and columns allow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from monitor.performance import (
    accuracy,
    balanced_accuracy,
    brier,
    f1,
    log_loss,
    mcc,
    pr_auc,
    precision,
    recall,
    roc_auc,
    specificity,
)
from monitor.performance.metric import Metric

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        module.METRIC.name: module.METRIC
        for module in (
            accuracy,
            balanced_accuracy,
            brier,
            f1,
            log_loss,
            mcc,
            pr_auc,
            precision,
            recall,
            roc_auc,
            specificity,
        )
    }
)

DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "binary": ("roc_auc", "log_loss", "accuracy", "f1", "precision", "recall"),
        "multiclass": ("roc_auc", "log_loss", "accuracy", "f1"),
    }
)
"""What is computed of a task if nobody says otherwise, as far as the model logs what it needs; best known first."""


def metrics_for(task: str, *, has_prediction: bool, has_score: bool) -> dict[str, Metric]:
    """Return every metric of a task that a model's columns allow."""
    there = {name for name, is_there in (("prediction", has_prediction), ("score", has_score)) if is_there}
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks and metric.needs <= there}


def defaults_for(task: str, *, has_prediction: bool, has_score: bool) -> dict[str, Metric]:
    """Return the metrics that are computed if nobody names any; none for a task without performance."""
    allowed = metrics_for(task, has_prediction=has_prediction, has_score=has_score)
    return {name: allowed[name] for name in DEFAULTS.get(task, ()) if name in allowed}
