"""Selectors of PromQL, written from declarations: a metric or a label that does not exist is a fault here.

They select what is of all rows, and not of a segment; of alerts also those of segments.
"""

from __future__ import annotations

from monitor.telemetry.declared import ALERTS, SEGMENT, Metric

JOB = 'job=~"$job"'
MODEL = 'model=~"$model"'


def series(metric: Metric, suffix: str = "", **labels: str) -> str:
    """Select series of a metric with label values that must be equal.

    Raises
    ------
    ValueError: the metric has no such series or label.

    >>> from monitor.telemetry.declared import CYCLE, VERDICT
    >>> series(VERDICT, verdict="failed")
    'driftline_verdict{verdict="failed",segment=""}'
    >>> series(CYCLE, "_bucket")
    'driftline_cycle_seconds_bucket'
    """
    return _select(metric, suffix, [f'{name}="{value}"' for name, value in labels.items()], labels)


def shown(metric: Metric, suffix: str = "", **labels: str) -> str:
    """Select what a dashboard's variables have chosen.

    >>> from monitor.telemetry.declared import DELIVERIES_PENDING, WINDOW_ROWS
    >>> shown(WINDOW_ROWS), shown(DELIVERIES_PENDING)
    ('driftline_window_rows{job=~"$job",model=~"$model",segment=""}', 'driftline_deliveries_pending{job=~"$job"}')
    """
    chosen = [JOB, MODEL] if "model" in metric.labels else [JOB]
    return _select(metric, suffix, [*chosen, *(f'{name}="{value}"' for name, value in labels.items())], labels)


def _select(metric: Metric, suffix: str, matchers: list[str], labels: dict[str, str]) -> str:
    name = f"{metric}{suffix}"
    if metric.by_segment and metric is not ALERTS:
        matchers = [*matchers, f'{SEGMENT}=""']
    unknown = labels.keys() - set(metric.labels)
    if unknown or name not in metric.sample_names:
        raise ValueError(f"{name} is not exposed with {sorted(labels)}")
    return f"{name}{{{','.join(matchers)}}}" if matchers else name
