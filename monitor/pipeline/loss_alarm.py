"""The ``performance`` alert: bets on the loss of each stretch whose targets are known, against the reference's bound.

A stretch is fed at the first look, from ``targets.delay`` on, at which targets of it are known: so all are of about
one age. Small ones are joined. While the alert fires nothing is bet; it resolves after ``resolve_after`` stretches
whose loss is what the reference allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from monitor.alert import AlertState
from monitor.budget import budget_steps
from monitor.calibration.betting import FRACTIONS, LEAST_TARGETS, Bound, Capital, Onset, after, bet, has_collapsed
from monitor.calibration.collapse import has_run_over, longest
from monitor.diagnosis import DATA_FAULT, UNCLEAR
from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.asking import PERFORMANCE as NAME
from monitor.pipeline.asking import hold
from monitor.pipeline.closed import Closed
from monitor.pipeline.cohorts import Scored
from monitor.pipeline.concentrating import loss_causes
from monitor.pipeline.fairness import fairness_finding
from monitor.pipeline.model import Model, Version
from monitor.pipeline.ruling import Finding, combined, follow
from monitor.pipeline.scoring import Look, stands_apart
from monitor.pipeline.serving import watch_scores

Json = dict[str, Any]


def feed_losses(model: Model, looks: Iterable[Look], closed: Closed, sharing: int) -> None:
    """Bet on what the looks of one instant showed, and move the alerts on; ``sharing``: live versions."""
    for look in looks:
        version, scored = model.versions.get(look.version), model.scored[look.version]
        if not look.targets or look.cohort.fed or look.body is None:
            continue
        if look.cohort.end in scored.cohorts:
            scored.cohorts[look.cohort.end] = replace(look.cohort, fed=True)
        if version is None or version.retired:
            continue
        among = sharing if stands_apart(model, look.cohort.end) else None
        fair = fairness_finding(model, look.version, look.between, _window(model, look), among)
        follow(model, look.version, fair, closed)
        scorer = model.references.scorer(look.version)
        own, parts = (sharing, sharing) if scorer is None else scorer.shares(sharing)
        _feed(model, look, closed, own)
        for label, part in look.parts.items():
            if scorer is not None and label in scorer.parts:
                _feed_part(model, replace(look, lost=part[0], targets=part[1]), label, closed, parts)


def _feed(model: Model, look: Look, closed: Closed, sharing: int) -> None:
    """Bet on the loss of all rows of a stretch, and look at the objectives."""
    scored, found = model.scored[look.version], _objectives(model, look, closed)
    scorer = model.references.scorer(look.version)
    if scorer is not None and scorer.bound is not None:
        start = look.cohort.end - microseconds(model.plan.window.every)
        loss = _joined(scored, look, start)
        if loss is not None:
            _bet(model, (look, loss, found), scorer.bound, closed, sharing)
            return
        found = [finding for finding in found if finding.breached]
    for finding in combined(found):
        _follow(model, look.version, finding, closed)


def _follow(model: Model, version: str, finding: Finding, closed: Closed) -> None:
    """Move an alert on; of that on performance it is noted whether it held, which a retraining waits for."""
    if finding.name == NAME and finding.segment is None:
        hold(model.versions[version], finding.breached)
    follow(model, version, finding, closed)


def _feed_part(model: Model, look: Look, label: str, closed: Closed, sharing: int) -> None:
    """Bet on the loss of a segment's rows of a stretch."""
    scorer = model.references.scorer(look.version)
    bound = None if scorer is None else scorer.parts[label].bound
    if bound is None or not look.targets:
        return
    scored = model.scored[look.version].parts.setdefault(label, Scored())
    loss = _joined(scored, look, look.cohort.end - microseconds(model.plan.window.every))
    if loss is not None:
        _bet(model, (look, loss, []), bound, closed, sharing, label)


def _objectives(model: Model, look: Look, closed: Closed) -> list[Finding]:
    """Look at the objectives on performance: once a window, as its loss is bet on once."""
    bodies = look.body["performance"] if look.body is not None else []
    known = {body["metric"]: body["realised"] for body in bodies if body["realised"] is not None}
    scores = {metric: (value["value"], value["lower"], value["upper"]) for metric, value in known.items()}
    found = watch_scores(model, look.version, scores, look.cohort.end, closed)
    return [replace(finding, window=_window(model, look)) for finding in found]


def _joined(scored: Scored, look: Look, start: Instant) -> tuple[float, int, Instant] | None:
    """Join stretches until they have enough targets; return their mean loss, their targets and their start."""
    scored.lost, scored.targets = scored.lost + look.lost, scored.targets + look.targets
    scored.since = start if scored.since is None else min(scored.since, start)
    if scored.targets < LEAST_TARGETS:
        return None
    block = scored.lost / scored.targets, scored.targets, scored.since
    scored.lost, scored.targets, scored.since = 0.0, 0, None
    return block


def _bet(
    model: Model,
    news: tuple[Look, tuple[float, int, Instant], list[Finding]],
    bound: Bound,
    closed: Closed,
    sharing: int,
    segment: str | None = None,
) -> None:
    look, (loss, targets, start), others = news
    scored, version = model.scored[look.version], model.versions[look.version]
    scored = scored if segment is None else scored.parts[segment]
    key = (NAME, segment or "")
    raised = version.raised.get(key)
    firing = raised is not None and raised.alert.state is AlertState.FIRING
    recent = () if firing else (*scored.recent, loss)[-max(longest(bound.runs), 1) :]
    collapsed = has_collapsed(bound, loss, targets) or has_run_over(bound.runs, recent)
    scored.recent = recent
    if firing:
        breached = loss > bound.allowed
    else:
        capital = Capital(np.array(scored.won or (0.0,) * len(FRACTIONS)))
        scored.onset = after(scored.onset, bound, loss, start)
        capital = bet(capital, bound, loss)
        scored.won = tuple(capital.won.tolist())
        breached = collapsed or capital.evidence >= performance_steps(model) * sharing
    detail = f"mean loss {loss:.4g} of {targets} targets; the reference's is {bound.mean:.4g}"
    detail += f", and up to {bound.allowed:.4g} is no alarm"
    cause = {"kind": "performance_loss", "column": None, "detail": detail, "factor": None}
    scorer = model.references.scorer(look.version)
    searched = scorer if segment is None and breached else None
    where = [] if searched is None else loss_causes(searched, (look.lost, look.targets), look.parts)
    finding = Finding(
        NAME,
        breached,
        diagnosis={"class": class_of_loss(version), "causes": [cause, *where]},
        severity=_severity(version, segment, collapsed=collapsed),
        segment=segment,
        window=_window(model, look, segment),
        at_once=True,
        began_at=scored.onset.began,
    )
    for each in combined([finding, *others]):
        _follow(model, look.version, each, closed)
    now = version.raised.get(key)
    if (firing and now is None) or (breached and not firing):
        scored.won, scored.onset, scored.recent = (), Onset(), ()


def class_of_loss(version: Version) -> str:
    """Return what kind of change a loss is: the concept's while inputs are as they were, a fault's if it is told."""
    if version.alert.state is not AlertState.FIRING:
        return "concept_change"
    told = (version.alert_body or {}).get("diagnosis") or {}
    return DATA_FAULT if told.get("class") == DATA_FAULT else UNCLEAR


def _severity(version: Version, segment: str | None, *, collapsed: bool) -> str:
    """Return how grave a loss is: that of a segment is recorded only while the whole's alert fires, which pages."""
    whole = version.raised.get((NAME, ""))
    if segment is not None and whole is not None and whole.alert.state is AlertState.FIRING:
        return "info"
    return "critical" if collapsed else "warning"


def performance_steps(model: Model) -> float:
    """Return N: the stretches between two false alarms on performance that the budget leaves."""
    alerts = model.plan.alerts
    return budget_steps(alerts, model.plan.window) * alerts.share.drift / alerts.share.performance


def _window(model: Model, look: Look, segment: str | None = None) -> Json:
    """Return the window that was scored, or a segment of it, as far as a message tells of it."""
    body, end = look.body or {}, look.cohort.end
    own = next((part for part in body["segments"] if part["segment"] == segment), body)
    return {
        "id": body["window"],
        "start": to_text(end - microseconds(model.plan.window.length)),
        "end": to_text(end),
        "rows": own.get("rows", look.cohort.rows),
        "columns": [],
        "performance": own["performance"],
    }
