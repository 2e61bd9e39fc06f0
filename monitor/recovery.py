"""Whether a retraining helped: its version is looked at window by window until it has held, or its time is up.

A window *holds* if its performance reaches, within its 95 % interval, what the version's own reference had and what
the old version had when the retraining was asked for; without targets, if it has not drifted from its own reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.settings import Duration, Settings, duration_text, parse_duration

Json = dict[str, Any]


class RecoverySettings(Settings):
    """When a retraining counts as a help."""

    windows: int = Field(3, ge=1, le=100, description="windows in a row in which the new version must hold")
    within: Duration = Field(
        parse_duration("14d"), ge=parse_duration("1h"), description="not held by then, in event time: not recovered"
    )


class Outcome(StrEnum):
    """What became of a retraining that succeeded."""

    WAITING = "waiting"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"


class Because(StrEnum):
    """Why it is so."""

    VERSION_NOT_SEEN = "version_not_seen"
    TOO_FEW_WINDOWS = "too_few_windows"
    PERFORMANCE_BELOW = "performance_below"
    ALERT_FIRING = "alert_firing"
    DRIFTED = "drifted"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Figure:
    """The performance of a version over some windows, by one metric, weighted by their rows."""

    metric: str
    value: float
    windows: int


@dataclass(frozen=True, slots=True)
class Look:
    """One window of the new version.

    Attributes
    ----------
    why: ``HELD``, or why it does not hold.
    value, rows: the metric and on how many rows; ``None`` and 0 where drift is what is looked at.
    reference: what the version's own reference had.
    """

    end: Instant
    why: Because
    metric: str | None = None
    value: float | None = None
    rows: int = 0
    reference: float | None = None


def reaches(upper: float, lower: float, bounds: Iterable[float | None], *, higher_is_better: bool) -> bool:
    """Say whether an interval reaches every bound that is known.

    >>> reaches(0.74, 0.70, (0.72, None), higher_is_better=True), reaches(9.0, 7.0, (6.5,), higher_is_better=False)
    (True, False)
    """
    known = [bound for bound in bounds if bound is not None]
    return all(upper >= bound if higher_is_better else lower <= bound for bound in known)


def begun(settings: RecoverySettings, version: str | None, before: Figure | None, event: Instant) -> Json:
    """Return what is kept of a recovery, from the job's success on.

    Parameters
    ----------
    version: as the job named it; ``None``: whichever is the youngest.
    before: of the old version, when the retraining was asked for.
    """
    return {
        "status": Outcome.WAITING.value,
        "why": Because.VERSION_NOT_SEEN.value,
        "version": version,
        "metric": None if before is None else before.metric,
        "before": None if before is None else before.value,
        "after": None,
        "reference": None,
        "windows": 0,
        "needed": settings.windows,
        "since": to_text(event),
        "until": to_text(event + microseconds(settings.within)),
        "decided_at": None,
        "text": None,
        "looks": [],
    }


def followed(body: Json, looks: Sequence[Look], now: Instant) -> Json:
    """Return a recovery after the looks of one instant, in order of their windows; one that is new is taken once."""
    kept = list(body["looks"])
    for look in looks:
        if not kept or look.end > kept[-1][0]:
            kept.append([look.end, look.why.value, look.value, look.rows])
            body = body | {"metric": look.metric, "reference": look.reference, "why": look.why.value}
    kept = kept[-body["needed"] :]
    held = _held(kept)
    body = body | {"looks": kept, "windows": held, "after": mean_of((each[2], each[3]) for each in kept)}
    if body["status"] != Outcome.RECOVERED and held >= body["needed"]:
        return _decided(body, Outcome.RECOVERED, Because.HELD, now)
    if body["status"] == Outcome.WAITING and now >= from_text(body["until"]):
        last = Because(body["why"])
        return _decided(body, Outcome.NOT_RECOVERED, Because.TOO_FEW_WINDOWS if last is Because.HELD else last, now)
    return body


def mean_of(values: Iterable[tuple[float | None, int]]) -> float | None:
    """Return the mean of values, weighted by the rows of each; ``None`` if none is known.

    >>> mean_of([(0.5, 100), (0.8, 200), (None, 0)])
    0.7
    """
    known = [(value, rows) for value, rows in values if value is not None and rows > 0]
    total = sum(rows for _, rows in known)
    return sum(value * rows for value, rows in known) / total if total else None


def _held(looks: Sequence[Sequence[Any]]) -> int:
    """Return how many of the last looks held, in a row."""
    count = 0
    for _, why, *_ in reversed(looks):
        if why != Because.HELD:
            break
        count += 1
    return count


def _decided(body: Json, outcome: Outcome, why: Because, now: Instant) -> Json:
    body = body | {"status": outcome.value, "why": why.value, "decided_at": to_text(now)}
    return body | {"text": sentence(body)}


def sentence(body: Json) -> str:
    """Return what a reader needs of a recovery that was decided."""
    version = f"version {body['version']}" if body["version"] else "the new version"
    moved = _moved(body)
    if body["status"] == Outcome.RECOVERED:
        return f"Retraining finished: {version} recovered: {moved} in {_windows(body['windows'])}."
    within = duration_text_between(body["since"], body["until"])
    if body["why"] == Because.VERSION_NOT_SEEN:
        return f"Retraining finished, but {version} has not been seen in the log within {within}."
    if body["why"] == Because.TOO_FEW_WINDOWS:
        held = f"{body['windows']} of {_windows(body['needed'])} could be judged and held"
        return f"Retraining finished, but whether {version} recovered is not known: within {within} only {held}."
    return f"Retraining finished, but {version} did not recover within {within}: {moved}."


def _moved(body: Json) -> str:
    if body["why"] == Because.DRIFTED:
        return "it has drifted from its own reference"
    if body["after"] is None:
        return "no drift from its own reference"
    before = "" if body["before"] is None else f"{body['before']:.3g} -> "
    reference = "" if body["reference"] is None else f" ({body['reference']:.3g} in its reference)"
    firing = ", and its performance alert fires" if body["why"] == Because.ALERT_FIRING else ""
    return f"{body['metric']} {before}{body['after']:.3g}{reference}{firing}"


def _windows(number: int) -> str:
    return f"{number} window" if number == 1 else f"{number} windows"


def duration_text_between(since: str, until: str) -> str:
    """Write the time between two instants in the largest unit that divides it.

    >>> duration_text_between("2026-01-01T00:00:00Z", "2026-01-15T00:00:00Z")
    '2w'
    """
    return duration_text(timedelta(microseconds=from_text(until) - from_text(since)))
