"""What is held of a running model: open panes, memories of its versions, and how far time has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monitor.action import PastAction, Status
from monitor.alert import DriftAlert
from monitor.apart.sample import Sample
from monitor.fixed_rule import Streak
from monitor.instant import Instant, from_text, microseconds
from monitor.judge import Judge, Memory, first_memory
from monitor.performance.burning import Ledger
from monitor.performance.metric import Direction, Metric
from monitor.pipeline import by_evidently
from monitor.pipeline.arrivals import Arrivals
from monitor.pipeline.by_evidently import Tested, new_tested
from monitor.pipeline.cohorts import Scored, TargetWatch
from monitor.pipeline.gathering import Gathered
from monitor.pipeline.habits import Habit, new_habits
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import References
from monitor.pipeline.targets import UNDATED
from monitor.pipeline.telling_apart import Apart, follow_on, new_apart
from monitor.pipeline.trail import Trail
from monitor.profile import Profile
from monitor.threshold_alert import ThresholdAlert
from monitor.versions import Versus
from monitor.window import NEVER
from monitor.workers import Workers

FOREVER: Instant = 2**62
APART, VALUES = "apart", "values"
"""What rows are held for: for a classifier, and for tests on values."""
SILENT_WINDOWS = 3
"""A version without records for so many windows, while another has some, is retired."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert on a plain rule, and what was said of it last; ``None`` before it fires."""

    alert: ThresholdAlert = field(default_factory=ThresholdAlert)
    body: Json | None = None


@dataclass(slots=True)
class Version:
    """A model version that has records."""

    judge: Judge | None
    memory: Memory | None
    since: Instant
    """Start of its first pane."""
    alert: DriftAlert = field(default_factory=DriftAlert)
    alert_body: Json | None = None
    silent: int = 0
    retired: bool = False
    heard_until: Instant | None = None
    """End of the last stretch that had records."""
    judged_from: Instant = NEVER
    """Windows that start before are not judged: its reference was made of their rows."""
    measured_from: Instant = NEVER
    """Windows that start before are measured from here on: then its reference was made anew."""
    raised: dict[tuple[str, str], Raised] = field(default_factory=dict)
    """Alerts on plain rules that are pending or firing, by name and segment ("" if none)."""
    newest: Instant | None = None
    """The greatest event time of its records in windows that closed."""
    habits: dict[str, Habit] = field(default_factory=dict)
    """What is usual of its latency and volume."""
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    """Of each objective that has a budget, by its name."""
    promised: dict[str, Json] = field(default_factory=dict)
    """What was said last of each objective on performance, by its name."""
    streaks: dict[str, Streak] = field(default_factory=dict)
    """Of each column under a fixed rule."""
    parts: dict[str, Version] = field(default_factory=dict)
    """Its segments, by label: each is judged as a version is."""
    parts_gone: bool = False
    """Whether the store is to forget that there were segments."""
    apart: Apart | None = None
    """Of telling it from its reference, where a classifier is asked for."""
    tested: Tested | None = None
    """What is held for tests on values, where a column is judged by one."""
    held: tuple[bool, ...] = ()
    """Whether each of the last looks at its performance was a breach, the newest last."""
    lately: dict[Instant, tuple[float, int]] = field(default_factory=dict)
    """What its first metric was in its last windows, and on how many rows, by the window's end."""

    @property
    def samples(self) -> dict[str, Sample]:
        """Return the rows that are held for a child process, by what for."""
        apart = {} if self.apart is None else {APART: self.apart.sample}
        return apart if self.tested is None else apart | {VALUES: self.tested.sample}


@dataclass(slots=True)
class Model:
    """The whole state of one model between two transactions.

    Attributes
    ----------
    workers: start the children that need what this process does not hold.
    reached: the newest event time of each source, by its place in the config.
    closed: the watermark that has been acted on; it never goes back.
    heard: the wall time at which each source last gave a record.
    next_end: the end of the next window to close, ``None`` before the first record.
    panes: profiles by (version, start of pane); rows without a reference have ``None`` for a profile.
    targets: targets received, by the pane of their own event time; ``UNDATED`` holds those without one.
    actions: by id, as users see them, with what the gate needs beside.
    gathered: rows of the versions whose reference is yet to be made of them, or is made of them ever anew.
    unwanted: under which names the store holds rows of versions whose reference is not made of them any more.
    settles_until: no action is started by a window that ends by then: the config has changed, or the clock jumped.
    """

    plan: ModelPlan
    references: References
    event_clock: bool = False
    workers: Workers = field(default_factory=Workers)
    reached: dict[int, Instant] = field(default_factory=dict)
    heard: dict[int, Instant] = field(default_factory=dict)
    closed: Instant = NEVER
    next_end: Instant | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    panes: dict[tuple[str, Instant], Profile] = field(default_factory=dict)
    part_panes: dict[tuple[str, Instant], dict[str, Profile]] = field(default_factory=dict)
    """Profiles of segments by label, by (version, start of pane); empty without segments."""
    bare: dict[tuple[str, Instant], int] = field(default_factory=dict)
    """Rows of versions that have no reference yet, by (version, start of pane); 0 where all rows were left out."""
    targets: dict[Instant, int] = field(default_factory=dict)
    scored: dict[str, Scored] = field(default_factory=dict)
    """By version: also a retired one's targets may still come."""
    watch: TargetWatch = field(default_factory=TargetWatch)
    arrivals: Arrivals = field(default_factory=Arrivals)
    gathered: dict[str, Gathered | Trail] = field(default_factory=dict)
    unwanted: dict[str, list[str]] = field(default_factory=dict)
    actions: dict[str, Json] = field(default_factory=dict)
    settles_until: Instant = NEVER
    versus: dict[str, Versus] = field(default_factory=dict)
    """Of each live version that serves beside the baseline, by its name."""
    versus_kept: bool = False
    """Whether the store holds some."""
    digest: str = field(init=False)
    """Of the settings; another one after a start or a reload says that they have changed."""

    def __post_init__(self) -> None:
        """Digest the settings once."""
        self.digest = self.plan.digest

    def version(self, name: str, pane: Instant) -> Version:
        """Return a version, met for the first time or again."""
        found = self.versions.get(name)
        if found is None or found.retired:
            judge = self.references.judge(name)
            memory = first_memory(judge) if judge is not None else None
            habits = new_habits(judge.usual if judge is not None else {})
            found = self.versions[name] = Version(judge, memory, pane, habits=habits, parts=new_parts(judge, pane))
            found.apart = new_apart(judge.ground if judge is not None else None)
            found.tested = new_tested(judge.values if judge is not None else None)
        elif found.judge is None:
            found.judge = self.references.judge(name)
            found.memory = first_memory(found.judge) if found.judge is not None else None
            found.parts = new_parts(found.judge, pane)
            found.apart = new_apart(found.judge.ground if found.judge is not None else None)
            found.tested = new_tested(found.judge.values if found.judge is not None else None)
        found.since = min(found.since, pane)
        return found

    def return_after(self, name: str, end: Instant) -> None:
        """Meet a retired version again where records after its end were read already, as if they had come later."""
        again = [at for version, at in (*self.panes, *self.bare) if version == name and at >= end]
        if again:
            before = self.versions[name]
            found = self.version(name, min(again))
            if found.apart is not None:
                found.apart = follow_on(before.apart, found.apart.ground, end)
            if found.tested is not None:
                found.tested = by_evidently.follow_on(before.tested, found.tested.values, end)

    @property
    def next_close(self) -> Instant:
        """Return the end of the first window that may close yet."""
        every = microseconds(self.plan.window.every)
        return self.closed // every * every + every

    def counted_before(self, name: str) -> Instant:
        """Return the instant from which rows of a version are held and not counted yet, as its reference may change."""
        held = self.gathered.get(name)
        return held.due if isinstance(held, Trail) else FOREVER

    def waits(self, name: str) -> bool:
        """Say whether a version's answers wait for their targets."""
        return self.plan.targets is not None and self.references.scorer(name) is not None

    def keeps_answers(self, name: str) -> bool:
        """Say whether a version's answers are kept: for their targets, for an estimate, or to compare groups."""
        scorer = self.references.scorer(name)
        wanted = self.plan.targets is not None or (scorer is not None and (scorer.estimator or scorer.watches))
        return scorer is not None and bool(wanted)

    def first_metric(self, name: str) -> Metric | None:
        """Return the metric that a version's recovery is told by: its first of which one value is better."""
        scorer = self.references.scorer(name)
        metrics = () if scorer is None else scorer.metrics
        return next((metric for metric in metrics if metric.direction is not Direction.NEITHER), None)

    @property
    def asked_from(self) -> Instant:
        """Return the instant from which answers may still be asked for: of windows that are open, or wait for targets.

        One window more, as a close may be undone. Other threads ask.
        """
        length, every = microseconds(self.plan.window.length), microseconds(self.plan.window.every)
        waiting = [end for scored in list(self.scored.values()) for end in list(scored.cohorts)]
        return min([self.closed, *waiting]) - length - every

    @property
    def live(self) -> list[str]:
        """Return the versions that are not retired, by name."""
        return sorted(name for name, version in self.versions.items() if not version.retired)

    def unsettle(self) -> None:
        """Let no action be started by the next window that closes."""
        if self.next_end is not None:
            self.settles_until = self.next_end

    @property
    def is_unsettled(self) -> bool:
        """Say whether the next window that closes may start no action."""
        return self.next_end is None or self.next_end <= self.settles_until

    def past_actions(self, without: str) -> list[PastAction]:
        """Return what the gate needs of earlier actions, and of each try at one."""
        others = [body for id_, body in self.actions.items() if id_ != without]
        return [each for body in others for each in (past_action(body), *attempts_of(body))]

    def targets_between(self, since: Instant, until: Instant) -> int:
        """Return how many targets came in a stretch of event time; those without a time of their own count always."""
        pane = microseconds(self.plan.window.every)
        return sum(n for at, n in self.targets.items() if at == UNDATED or (since <= at and at + pane <= until))


def new_parts(judge: Judge | None, since: Instant) -> dict[str, Version]:
    """Return the segments of a version before the first step."""
    found = {} if judge is None else judge.segments
    return {label: Version(part, None if part is None else first_memory(part), since) for label, part in found.items()}


def attempts_of(body: Json) -> tuple[PastAction, ...]:
    """Return the earlier tries at an action, each of which a job was asked for."""
    return tuple(past_action(body | each | {"status": Status.FAILED.value}) for each in body.get("attempts", ()))


def past_action(body: Json) -> PastAction:
    """Return what the gate needs of an action's body."""
    return PastAction(
        body["id"],
        Status(body["status"]),
        from_text(body["decided_at"]),
        from_text(body["decided_wall"]),
        from_text(body["expires_at"]) if body["expires_at"] else NEVER,
    )
