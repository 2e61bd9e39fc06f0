"""Whether an alert may start an action: a pure gate that always says why.

Alerts fail open (a message twice rather than never); actions fail closed: whoever is unsure, withholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from monitor.instant import Instant, microseconds
from monitor.settings import Duration, Frequency, Rate, Settings, parse_duration, parse_rate


class RetrainSettings(Settings):
    """When and where a retraining is started."""

    receiver: str = Field(description="the receiver that starts the job; it gets only actions")
    mode: Literal["dry_run", "auto"] = Field("dry_run", description="record what would be done, or start it")
    cooldown: Duration = Field(parse_duration("24h"), description="least time between two retrainings of a model")
    budget: Frequency = Field(parse_rate("2 per 7d"), description="most retrainings of a model")
    min_targets: int = Field(1000, ge=0, description="least targets since the version appeared, to retrain with")
    lookback: Duration = Field(parse_duration("60d"), description="rows offered to retrain with go back so far")
    expires: Duration = Field(parse_duration("24h"), description="an action not reported finished by then is given up")


class Status(StrEnum):
    """Where an action stands."""

    REQUESTED = "requested"
    WITHHELD = "withheld"
    AWAITING_APPROVAL = "awaiting_approval"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN = frozenset({Status.REQUESTED, Status.AWAITING_APPROVAL, Status.STARTED})
SPENT = frozenset({*OPEN, Status.SUCCEEDED, Status.FAILED}) - {Status.AWAITING_APPROVAL}


class Why(StrEnum):
    """Why an action stands where it stands."""

    GATE_OPEN = "gate_open"
    ACTION_OPEN = "action_open"
    COOLDOWN = "cooldown"
    BUDGET_SPENT = "budget_spent"
    TOO_FEW_TARGETS = "too_few_targets"
    DRY_RUN = "dry_run"
    ALERT_RESOLVED = "alert_resolved"
    EXPIRED = "expired"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class PastAction:
    """What the gate needs to know of an earlier action of the model.

    ``requested_at`` is in event time and ``requested_wall`` in wall time: both must have passed, so that a
    forged timestamp buys no retraining.
    """

    id: str
    status: Status
    requested_at: Instant
    requested_wall: Instant
    expires_wall: Instant


@dataclass(frozen=True, slots=True)
class Clocks:
    """Now, in event time and in wall time."""

    event: Instant
    wall: Instant


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen, and why."""

    status: Status
    why: Why


_BY_MODE = {
    "auto": Decision(Status.REQUESTED, Why.GATE_OPEN),
    "dry_run": Decision(Status.WITHHELD, Why.DRY_RUN),
}


def decide(settings: RetrainSettings, past: Sequence[PastAction], targets: int, now: Clocks) -> Decision:
    """Decide on a retraining that a firing alert asks for.

    Parameters
    ----------
    past: earlier actions of the model, in any order, without the one being decided on.
    targets: how many targets have come for the version's records.
    """
    why = _obstacle(settings, past, targets, now)
    return _BY_MODE[settings.mode] if why is None else Decision(Status.WITHHELD, why)


def _obstacle(settings: RetrainSettings, past: Sequence[PastAction], targets: int, now: Clocks) -> Why | None:
    if any(is_open(action, now.wall) for action in past):
        return Why.ACTION_OPEN
    spent = [action for action in past if action.status in SPENT]
    if any(_within(action, microseconds(settings.cooldown), now) for action in spent):
        return Why.COOLDOWN
    if _over_budget(settings.budget, spent, now):
        return Why.BUDGET_SPENT
    return Why.TOO_FEW_TARGETS if targets < settings.min_targets else None


def is_open(action: PastAction, wall: Instant) -> bool:
    """Say whether an action still waits for its end."""
    return action.status in OPEN and wall < action.expires_wall


def _within(action: PastAction, length: int, now: Clocks) -> bool:
    return now.event - action.requested_at < length or now.wall - action.requested_wall < length


def _over_budget(budget: Rate, spent: Sequence[PastAction], now: Clocks) -> bool:
    recent = [action for action in spent if _within(action, microseconds(budget.period), now)]
    return len(recent) + 1 > budget.count
