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
from monitor.recovery import RecoverySettings
from monitor.settings import Duration, Frequency, Rate, Settings, parse_duration, parse_rate


class RetrainSettings(Settings):
    """When and where a retraining is started."""

    receiver: str = Field(description="the receiver that starts the job; it gets only actions")
    mode: Literal["dry_run", "approve", "auto"] = Field(
        "dry_run", description="record what would be done, ask a person first, or start it"
    )
    cooldown: Duration = Field(parse_duration("24h"), description="least time between two retrainings of a model")
    budget: Frequency = Field(parse_rate("2 per 7d"), description="most retrainings of a model")
    min_targets: int = Field(1000, ge=0, description="least targets since the version appeared, to retrain with")
    lookback: Duration = Field(parse_duration("60d"), description="rows offered to retrain with go back so far")
    expires: Duration = Field(parse_duration("24h"), description="an action not reported finished by then is given up")
    retries: int = Field(0, ge=0, le=10, description="a job that failed is asked for again so often, by the gate")
    recovery: RecoverySettings = Field(RecoverySettings(), description="when a retraining counts as a help")
    one_segment: Literal["approve", "allow"] = Field(
        "approve", description="where one segment holds the change: ask a person first, or take it as any other"
    )
    max_age: Duration | None = Field(
        None,
        ge=parse_duration("1h"),
        description="retrain once a version has served so long; unset: never by age",
    )


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
    SUSPENDED = "suspended"
    ACTION_OPEN = "action_open"
    SETTLING = "settling"
    DATA_FAULT = "data_fault"
    NOT_PERSISTENT = "not_persistent"
    COOLDOWN = "cooldown"
    BUDGET_SPENT = "budget_spent"
    TOO_FEW_TARGETS = "too_few_targets"
    CONCENTRATED = "concentrated"
    DRY_RUN = "dry_run"
    NEEDS_APPROVAL = "needs_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    ALERT_RESOLVED = "alert_resolved"
    EXPIRED = "expired"
    TIMED_OUT = "timed_out"
    REPORTED = "reported"


_NEVER_WITHHELD = {Why.GATE_OPEN, Why.NEEDS_APPROVAL, Why.APPROVED, Why.REPORTED, Why.TIMED_OUT}
WITHHOLDING = tuple(why for why in Why if why not in _NEVER_WITHHELD)
"""Every reason for which an action may be withheld."""


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


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate is told of the moment, beside the past.

    Attributes
    ----------
    targets: how many targets have come for the version's records.
    suspended: an operator has stopped all actions.
    settling: this is the first window after a start, a changed config or a jump of the clock.
    data_fault: the data themselves are broken, late or missing.
    persistent: what is complained of has held for long enough.
    concentrated: one segment alone holds the change.
    approved: a person has said yes.
    attempts: earlier ones at this very action: they are of the budget, and no cooldown keeps a retry back.
    """

    targets: int = 0
    suspended: bool = False
    settling: bool = False
    data_fault: bool = False
    persistent: bool = True
    concentrated: bool = False
    approved: bool = False
    attempts: tuple[PastAction, ...] = ()


def decide(settings: RetrainSettings, past: Sequence[PastAction], facts: Facts, now: Clocks) -> Decision:
    """Decide on a retraining that is asked for.

    Parameters
    ----------
    past: earlier actions of the model, in any order, without the one being decided on.
    """
    why = obstacle(settings, past, facts, now)
    if why is not None:
        return Decision(Status.WITHHELD, why)
    held = facts.concentrated and settings.one_segment == "approve"
    if settings.mode == "dry_run":
        return Decision(Status.WITHHELD, Why.CONCENTRATED if held else Why.DRY_RUN)
    if facts.approved:
        return Decision(Status.REQUESTED, Why.APPROVED)
    if held:
        return Decision(Status.AWAITING_APPROVAL, Why.CONCENTRATED)
    if settings.mode == "approve":
        return Decision(Status.AWAITING_APPROVAL, Why.NEEDS_APPROVAL)
    return Decision(Status.REQUESTED, Why.GATE_OPEN)


def obstacle(settings: RetrainSettings, past: Sequence[PastAction], facts: Facts, now: Clocks) -> Why | None:
    """Return what speaks against a retraining, whoever approves of it; of several the one that must go first."""
    spent = [action for action in past if action.status in SPENT]
    against = (
        (facts.suspended, Why.SUSPENDED),
        (any(is_open(action, now.wall) for action in past), Why.ACTION_OPEN),
        (facts.settling, Why.SETTLING),
        (facts.data_fault, Why.DATA_FAULT),
        (not facts.persistent, Why.NOT_PERSISTENT),
        (any(_within(action, microseconds(settings.cooldown), now) for action in spent), Why.COOLDOWN),
        (_over_budget(settings.budget, [*spent, *facts.attempts], now), Why.BUDGET_SPENT),
        (facts.targets < settings.min_targets, Why.TOO_FEW_TARGETS),
    )
    return next((why for holds, why in against if holds), None)


def is_open(action: PastAction, wall: Instant) -> bool:
    """Say whether an action still waits for its end."""
    return action.status in OPEN and wall < action.expires_wall


def _within(action: PastAction, length: int, now: Clocks) -> bool:
    return now.event - action.requested_at < length or now.wall - action.requested_wall < length


def _over_budget(budget: Rate, spent: Sequence[PastAction], now: Clocks) -> bool:
    recent = [action for action in spent if _within(action, microseconds(budget.period), now)]
    return len(recent) + 1 > budget.count
