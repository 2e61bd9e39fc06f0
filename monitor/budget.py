"""The false-alarm budget in steps, and the seasons that may be in them."""

from __future__ import annotations

from datetime import timedelta

from monitor.alert import AlertSettings
from monitor.history import step_length
from monitor.window import WindowSettings

_FAIRNESS = 0.125
_PERIODS = (timedelta(days=1), timedelta(weeks=1))


def budget_steps(alerts: AlertSettings, window: WindowSettings) -> float:
    """Return N: the steps between two false drift pages that the budget leaves.

    >>> budget_steps(AlertSettings(), WindowSettings())
    1440.0
    """
    rate = alerts.false_alarms
    return rate.period / window.every / rate.count / alerts.share.drift


def usual_steps(alerts: AlertSettings, window: WindowSettings) -> float:
    """Return N of latency, and of volume: half of their part of the budget each, in steps of their own length.

    >>> usual_steps(AlertSettings(), WindowSettings())
    11520.0
    """
    every = timedelta(microseconds=step_length(window))
    return alerts.false_alarms.period / every / alerts.false_alarms.count / (alerts.share.latency / 2)


def usual_seasons(window: WindowSettings) -> tuple[int, ...]:
    """Return the day and the week in whole steps of what is usual, where they are."""
    return seasons(window.model_copy(update={"every": timedelta(microseconds=step_length(window))}))


def fairness_steps(alerts: AlertSettings, window: WindowSettings) -> float:
    """Return N of the alert on fairness, in windows: beside the budget, an eighth as often again.

    >>> fairness_steps(AlertSettings(), WindowSettings())
    5760.0
    """
    return budget_steps(alerts, window) * alerts.share.drift / _FAIRNESS


def quality_level(alerts: AlertSettings, window: WindowSettings) -> float:
    """Return the chance of a false violation of any expectation that the budget leaves each window.

    >>> round(quality_level(AlertSettings(), WindowSettings()), 7)
    0.0001736
    """
    rate = alerts.false_alarms
    return min(rate.count * alerts.share.quality * (window.every / rate.period), 0.5)


def divided(sharing: int, segments: int) -> tuple[int, int]:
    """Return among how many the budget is divided, as a version sees it, and as each of its segments does.

    Half of a version's budget is that of all its segments together: false alarms add up whatever depends on what, so
    that the promise holds for the model with its segments (Boole's inequality).

    Parameters
    ----------
    sharing: how many live versions share the budget. ``segments``: how many of a version's can raise an alarm.

    >>> divided(1, 16), divided(2, 0)
    ((2, 32), (2, 2))
    """
    return (2 * sharing, 2 * segments * sharing) if segments else (sharing, sharing)


def seasons(window: WindowSettings, own: timedelta | None = None) -> tuple[int, ...]:
    """Return the day, the week and a period of the model's own in whole steps, where they are, the shortest first.

    >>> seasons(WindowSettings()), seasons(WindowSettings(), timedelta(hours=12))
    ((24, 168), (12, 24, 168))
    """
    periods = sorted({*_PERIODS, own} if own is not None else _PERIODS)
    return tuple(period // window.every for period in periods if period > window.every and not period % window.every)
