"""All performance metrics by name, and which of them a model's task and columns allow.

``METRICS`` holds one of each; one that has a parameter is there with its default, and :func:`named` finds it with any
other: ``ndcg_at_5``, ``lift_at_0.2``. What needs more than a number, as the matrix of a business value, is no name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from monitor.performance import (
    accuracy,
    balanced_accuracy,
    bias,
    brier,
    calibration_error,
    catalogue_coverage_at,
    diversity_at,
    f1,
    f1_macro,
    f1_micro,
    gain,
    hamming_loss,
    hit_rate_at,
    interval_coverage,
    lift,
    log_loss,
    mae,
    map_at,
    mape,
    mcc,
    median_error,
    mrr_at,
    msle,
    ndcg_at,
    novelty_at,
    popularity_bias_at,
    pr_auc,
    precision,
    precision_at,
    quantile_loss,
    r2,
    recall,
    recall_at,
    rmse,
    roc_auc,
    smape,
    specificity,
    subset_accuracy,
)
from monitor.performance.metric import Metric

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        module.METRIC.name: module.METRIC
        for module in (
            accuracy,
            balanced_accuracy,
            bias,
            brier,
            calibration_error,
            catalogue_coverage_at,
            diversity_at,
            f1,
            f1_macro,
            f1_micro,
            gain,
            hamming_loss,
            hit_rate_at,
            interval_coverage,
            lift,
            log_loss,
            mae,
            map_at,
            mape,
            mcc,
            median_error,
            mrr_at,
            msle,
            ndcg_at,
            novelty_at,
            popularity_bias_at,
            pr_auc,
            precision,
            precision_at,
            quantile_loss,
            r2,
            recall,
            recall_at,
            rmse,
            roc_auc,
            smape,
            specificity,
            subset_accuracy,
        )
    }
)

_FIRST_PLACES: Mapping[str, Callable[[int], Metric]] = MappingProxyType(
    {
        "catalogue_coverage": catalogue_coverage_at.catalogue_coverage_at,
        "diversity": diversity_at.diversity_at,
        "hit_rate": hit_rate_at.hit_rate_at,
        "map": map_at.map_at,
        "mrr": mrr_at.mrr_at,
        "ndcg": ndcg_at.ndcg_at,
        "novelty": novelty_at.novelty_at,
        "popularity_bias": popularity_bias_at.popularity_bias_at,
        "precision": precision_at.precision_at,
        "recall": recall_at.recall_at,
    }
)
_SHARES: Mapping[str, Callable[[float], Metric]] = MappingProxyType(
    {"gain": gain.gain, "lift": lift.lift, "quantile_loss": quantile_loss.quantile_loss}
)
_WITH_NUMBER = re.compile(r"([a-z_]+)_at_([0-9]{1,6}|0\.[0-9]{1,6})")

DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "binary": ("roc_auc", "log_loss", "accuracy", "f1", "precision", "recall"),
        "multiclass": ("roc_auc", "log_loss", "accuracy", "f1"),
        "regression": ("mae", "rmse", "r2", "bias"),
        "ranking": ("ndcg_at_10", "recall_at_10", "hit_rate_at_10"),
        "multilabel": ("hamming_loss", "subset_accuracy", "f1_micro"),
    }
)
"""What is computed of a task if nobody says otherwise, as far as the model logs what it needs; best known first."""


def named(name: str) -> Metric | None:
    """Return a metric by its name, which may end in a number of its own; nothing if there is none.

    >>> metric = named("ndcg_at_5")
    >>> metric and metric.title
    'NDCG at 5'
    """
    found = _WITH_NUMBER.fullmatch(name)
    if name in METRICS or not found:
        return METRICS.get(name)
    family, number = found.groups()
    try:
        if family in _FIRST_PLACES:
            return _FIRST_PLACES[family](int(number))
        return _SHARES[family](float(number)) if family in _SHARES else None
    except ValueError:
        return None


def metrics_for(task: str, *, has_prediction: bool, has_score: bool) -> dict[str, Metric]:
    """Return every metric of a task that a model's columns allow, by name."""
    there = {name for name, is_there in (("prediction", has_prediction), ("score", has_score)) if is_there}
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks and metric.needs <= there}


def defaults_for(task: str, *, has_prediction: bool, has_score: bool) -> dict[str, Metric]:
    """Return the metrics that are computed if nobody names any; none for a task without performance."""
    allowed = metrics_for(task, has_prediction=has_prediction, has_score=has_score)
    return {name: allowed[name] for name in DEFAULTS.get(task, ()) if name in allowed}
