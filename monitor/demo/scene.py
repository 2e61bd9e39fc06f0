"""What there is to see of the demo at one moment: the story writes it, a screen shows it, the result is read off it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from monitor.demo.monitoring import Body
from monitor.instant import Instant


class Stage(StrEnum):
    """The stages of the story, in order; one that does not end is where it stopped."""

    TRAIN = "train"
    SERVE = "serve"
    ALERT = "alert"
    DELIVERY = "delivery"
    RETRAIN = "retrain"
    PROMOTE = "promote"
    RECOVER = "recover"
    WITHHOLD = "withhold"


@dataclass(slots=True)
class Performance:
    """Areas under the ROC curve; ``None`` where they are not known yet.

    Attributes
    ----------
    reference: version 1 on the days it was trained on, each scored by a model that had not seen it.
    at_alert: version 1 on the last flights that had landed when the alert fired.
    after: version 2 on the first ``rows`` flights that it served.
    old_version_same_rows: version 1 on the same flights, so that the gain is not the season's.
    """

    metric: str = "roc_auc"
    reference: float | None = None
    at_alert: float | None = None
    after: float | None = None
    old_version_same_rows: float | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Why a retraining waits, and how far the targets have come that it waits for."""

    why: str
    targets: int
    needed: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A webhook as the job got it: it is here only if its signature holds."""

    id: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Retraining:
    """A retraining and how it ended."""

    action_id: str
    status: str
    rows: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the monitor has found of a retraining once its version served."""

    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A retraining that was not started, as the data were at fault.

    Attributes
    ----------
    alert: as it stands now. ``why``: the gate's. ``cause``: the diagnosis's first.
    """

    action_id: str
    alert: Body
    why: str
    cause: Body


@dataclass(slots=True)
class Scene:
    """The moment.

    Attributes
    ----------
    note: what is happening, as a sentence. ``ended``: nothing more will.
    done: stages that are over; ``stopped_at`` the one that did not end.
    now: event time, up to which everything has been served.
    evidence: of each judged window, over its threshold.
    window: the newest of the version that serves; ``scored``: the performance of its newest that has targets.
    alert: the one that the story is about.
    """

    directory: Path
    stage: Stage = Stage.TRAIN
    note: str = ""
    done: list[Stage] = field(default_factory=list)
    stopped_at: Stage | None = None
    ended: bool = False
    page: str | None = None
    metrics: str | None = None
    now: Instant | None = None
    version: str | None = None
    versions: list[str] = field(default_factory=list)
    records: int = 0
    windows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    evidence: list[float] = field(default_factory=list)
    window: Body | None = None
    scored: Body | None = None
    alert: Body | None = None
    gate: Gate | None = None
    delivered: Delivered | None = None
    retraining: Retraining | None = None
    recovery: Recovery | None = None
    withheld: Withheld | None = None
    performance: Performance = field(default_factory=Performance)

    @property
    def closed(self) -> bool:
        """Whether the loop has closed, from training to recovery, and held where it must not be closed."""
        return self.stopped_at is None and Stage.WITHHOLD in self.done


def score_of(body: Body | None, kind: str, metric: str = "roc_auc") -> Body | None:
    """Return a metric of a window, ``realised`` or ``estimated``, with the day the window begins."""
    entries = [] if body is None else body["performance"]
    found = next((entry[kind] for entry in entries if entry["metric"] == metric), None)
    if body is None or found is None:
        return None
    start = (body["window"] if kind == "realised" else body["id"]).split("~")[2]
    return {**found, "day": f"{start[:4]}-{start[4:6]}-{start[6:8]}"}


def told_of(withheld: Withheld) -> str:
    """Return a sentence on a retraining that was not started."""
    return f"No retraining was started ({withheld.why}): {withheld.cause['detail']}."


class Screen(Protocol):
    """Whoever shows the scene."""

    def show(self, scene: Scene) -> None:
        """Show the scene as it is now; called often."""

    def close(self) -> None:
        """Leave the terminal as it was found, with the last scene on it."""
