"""Windows that wait for their targets, and what the alarm on performance remembers; to the store and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from monitor.calibration.betting import Onset
from monitor.fairness.wager import Wager
from monitor.instant import Instant
from monitor.pipeline.past_misses import Past, past_from

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A closed window that waits for its targets.

    Attributes
    ----------
    rows: its records. ``joined``: how many had a target at the last look.
    first_due: when its targets should be known, in event time. ``due``: it is not looked at again before.
    touched: whether targets of its records have come since the last look; its first look needs none.
    fed: whether the alarm on performance has had its loss.
    """

    end: Instant
    rows: int
    first_due: Instant
    due: Instant
    joined: int = 0
    touched: bool = False
    looked: bool = False
    fed: bool = False
    final: bool = False


_COHORT = tuple(each.name for each in fields(Cohort))


@dataclass(slots=True)
class Scored:
    """What is remembered of a version's performance.

    Attributes
    ----------
    cohorts: by the end of their window.
    won: of the alarm's bets. ``lost``, ``targets``: of stretches that are too small to be bet on yet.
    since: start of those. ``onset``: since when a loss probably lasts. ``recent``: the last losses that were bet on.
    missed: of the last windows whose targets came, oldest first, whether they lay outside the band that the reference
        alone gives their estimate.
    past: how far the estimates of the last windows that are final were off.
    fair: what was bet on the groups of a column, by measure and column.
    """

    cohorts: dict[Instant, Cohort] = field(default_factory=dict)
    won: tuple[float, ...] = ()
    lost: float = 0.0
    targets: int = 0
    since: Instant | None = None
    onset: Onset = field(default_factory=Onset)
    recent: tuple[float, ...] = ()
    missed: tuple[bool, ...] = ()
    past: Past | None = None
    fair: dict[str, Wager] = field(default_factory=dict)
    parts: dict[str, Scored] = field(default_factory=dict)
    """What the alarm remembers of each segment, by label; only the whole has cohorts."""


@dataclass(frozen=True, slots=True)
class TargetWatch:
    """What is remembered of when targets come.

    Attributes
    ----------
    since: end of the first stretch with records. ``heard_until``: of the last in which targets were known.
    longest: the longest pause between two such, in microseconds. ``pauses``: how many there were.
    """

    since: Instant | None = None
    heard_until: Instant | None = None
    longest: int = 0
    pauses: int = 0


def scored_body(scored: Mapping[str, Scored]) -> Json:
    """Return what is remembered of every version as JSON."""
    return {
        version: asdict(replace(each, cohorts={})) | {"cohorts": [_cohort_body(one) for one in each.cohorts.values()]}
        for version, each in scored.items()
    }


def _cohort_body(cohort: Cohort) -> Json:
    """Return a cohort as ``asdict`` would, which takes longer than all else of a close where hundreds wait."""
    return {name: getattr(cohort, name) for name in _COHORT}


def scored_from(body: Json) -> dict[str, Scored]:
    """Return what :func:`scored_body` wrote."""
    return {version: _scored(each) for version, each in body.items()}


def _scored(body: Json) -> Scored:
    cohorts = {each["end"]: Cohort(**each) for each in body["cohorts"]}
    parts = {label: _scored(each) for label, each in body.get("parts", {}).items()}
    onset = Onset(tuple(body["onset"]["runs"]), tuple(body["onset"]["since"]))
    lists = {
        "won": tuple(body["won"]),
        "recent": tuple(body.get("recent", ())),
        "missed": tuple(body["missed"]),
        "past": past_from(body.get("past")),
        "fair": {name: _wager(each) for name, each in body.get("fair", {}).items()},
    }
    return Scored(**body | {"cohorts": cohorts, "onset": onset, "parts": parts} | lists)


def _wager(body: Json) -> Wager:
    seen = ({name: tuple(told) for name, told in side.items()} for side in body["seen"])
    return Wager(tuple(body["won"]), tuple(seen))
