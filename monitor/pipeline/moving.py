"""One closed window moves a version on: its stretch is fed to the engine, its rules are looked at, its alert moves."""

from __future__ import annotations

from typing import Any

from monitor import judge as judging
from monitor.alert import AlertState, Change, Judged, Scope
from monitor.calibration.gates import Uncalibrated
from monitor.fixed_rule import Look, advance_with_rules, follow
from monitor.instant import Instant, microseconds
from monitor.judge import Finding
from monitor.measure import drifted, judged, rules_verdict
from monitor.pipeline.evidence import NAME as CLASSIFIER
from monitor.pipeline.evidence import evidence_of, with_classifier
from monitor.pipeline.model import Model, Version
from monitor.profile import Profile
from monitor.verdict import Why, window_verdict
from monitor.window import WindowSettings

Json = dict[str, Any]
_BROKEN = {Why.RULE_BROKEN.value: True, Why.RULE_KEPT.value: False}


def alerted(model: Model, scope: Scope) -> Version:
    """Return the version, or the segment of one, that a drift alert is of."""
    _, name, *segment = scope
    version = model.versions[name]
    return version if not segment or segment[0] is None else version.parts[segment[0]]


def feed(
    model: Model, version: Version, profile: Profile, when: tuple[Instant, Instant, str], sharing: int
) -> tuple[Judged | None, float | None]:
    """Feed a stretch to the version's engine; return what the alert is to know of it, and the evidence's threshold.

    Parameters
    ----------
    when: the stretch's end, the instant of closing, and the window's id.
    sharing: how many live versions share the budget.
    """
    end, at, ident = when
    judge, memory = version.judge, version.memory
    if judge is None or memory is None or judge.engine is None:
        return None, None
    memory = judging.gather(judge, memory, profile)
    version.memory = memory
    threshold = judge.engine.threshold * sharing
    if memory.rows < model.plan.window.min_rows:
        return None, threshold
    every = microseconds(model.plan.window.every)
    frozen = fires_by_evidence(version)
    version.memory, finding = judging.judge_step(judge, memory, end // every - 1, frozen=frozen, sharing=sharing)
    if not judge.calibrated:
        return None, threshold
    finding = with_classifier(version, finding, every)
    return _judged(version, finding, (at, ident), every), threshold


def fires_by_evidence(version: Version) -> bool:
    """Say whether a version's alert fires by its evidence, which then stays as it is."""
    return version.alert.state is AlertState.FIRING and bool(version.alert.evident)


def _judged(version: Version, finding: Finding, when: tuple[Instant, str], every: int) -> Judged:
    alert = version.alert
    firing = alert.state is AlertState.FIRING and alert.evident
    culprits = alert.evident if firing else finding.culprits
    began = None if finding.began is None else finding.began * every
    watched = version.judge.watched if version.judge is not None else ()
    known = {entry.column.name for entry in watched if entry.weighs} | ({CLASSIFIER} if version.apart else set())
    calm = known.intersection(culprits) <= finding.tolerated
    return Judged(*when, finding.evidence, finding.threshold, finding.culprits, began, calm)


def move(
    model: Model, scope: Scope, step: Judged | None, columns: list[Json], when: tuple[Instant, str, Instant]
) -> Change | None:
    """Look at the rules of a window's columns, move the drift alert on, and say whether a message is due.

    Parameters
    ----------
    scope: the model and the version that the window is of, and perhaps the segment.
    step: of the engine; ``None`` where there was none.
    when: the instant of closing, the window's id and its start.
    """
    at, ident, start = when
    version = alerted(model, scope)
    rules = {entry.column.name for entry in version.judge.watched if entry.rule is not None} if version.judge else set()
    looks = {column["name"]: _BROKEN.get(column["why"]) for column in columns if column["name"] in rules}
    version.streaks = follow(version.streaks, looks, start)
    weighed = version.judge is not None and version.judge.engine is not None
    look = Look(at, ident, step, version.streaks, weighed=weighed)
    version.alert, change = advance_with_rules(version.alert, look, model.plan.alerts, scope)
    return change


def verdict_body(
    version: Version, rows: int, columns: list[Json], threshold: float | None, window: WindowSettings
) -> Json:
    """Return the verdict on a window of a version or a segment, once its step was fed and its alert moved.

    Parameters
    ----------
    rows: of the window. ``threshold``: of the evidence.
    """
    judge, evidence = version.judge, evidence_of(version, microseconds(window.every))
    why = None if judge is None else judge.why
    verdict, reason = window_verdict(
        rows=rows,
        least=window.min_rows,
        evidence=evidence,
        threshold=threshold,
        firing=version.alert.state is AlertState.FIRING,
        ruled=rules_verdict([each for each in columns if each["name"] != CLASSIFIER])
        if judge is not None and judge.ruled
        else None,
        short=why == Uncalibrated.TOO_FEW_BLOCKS,
    )
    return {
        "rows": rows,
        "verdict": verdict.value,
        "why": reason.value,
        "calibrated": judge is not None and judge.calibrated,
        "calibration_why": why,
        "evidence": evidence,
        "evidence_threshold": threshold,
        "columns_judged": judged(columns),
        "columns_drifted": drifted(columns),
    }
