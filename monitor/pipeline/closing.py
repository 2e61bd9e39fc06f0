"""A window is closed: it is measured and judged, and its alert and action move on. Values in, values out."""

from __future__ import annotations

from functools import partial
from typing import Any

from monitor import judge as judging
from monitor.alert import AlertState, Change, DriftAlert, retire
from monitor.attributions import attributions_body
from monitor.calibration.cures import GATHERING_REFERENCE
from monitor.identity import window_id
from monitor.instant import Instant, microseconds, to_text
from monitor.judge import Judge
from monitor.latency import latency_quantiles
from monitor.measure import measure_columns
from monitor.performance.objective import Served
from monitor.pipeline.acting import Act, act, close_actions
from monitor.pipeline.by_evidently import Stretch, judge_by_values, let_go
from monitor.pipeline.closed import Closed
from monitor.pipeline.comparing import compare_counts
from monitor.pipeline.diagnosing import told_anew
from monitor.pipeline.evidence import with_its_column
from monitor.pipeline.gating import by_alert
from monitor.pipeline.model import SILENT_WINDOWS, Model, Version
from monitor.pipeline.moving import feed, fires_by_evidence, move, verdict_body
from monitor.pipeline.profiles import stretch_profile
from monitor.pipeline.quality import watch_quality, window_violations
from monitor.pipeline.ruling import combined, end_all, follow
from monitor.pipeline.segments import close_segments, end_segments
from monitor.pipeline.serving import resources_body, served, usage_body, watch_service
from monitor.pipeline.silence import watch_silence
from monitor.pipeline.telling import alert_body, tell
from monitor.pipeline.telling_apart import look_at_steps, without_evidence
from monitor.profile import Profile
from monitor.verdict import Verdict, Why

Json = dict[str, Any]


def close_windows(model: Model, end: Instant, wall: Instant) -> Closed:
    """Close the windows that end at an instant, one a live version.

    Parameters
    ----------
    wall: now, in wall time; in a replay event time stands for it.
    """
    closed = Closed(end, end + microseconds(model.plan.window.lateness))
    closed.actions += close_actions(model, closed.at, wall)
    live = [name for name in model.live if model.versions[name].since < end]
    rows = {name: _rows(model, name, end - microseconds(model.plan.window.every), end) for name in live}
    for name in live:
        _close_version(model, name, closed, wall, len(live))
    for name in live:
        found = [watch_silence(model, name, rows, closed.end)]
        found += watch_service(model, name, _served(model, name, rows, end), closed, len(live))
        found.append(watch_quality(model.versions[name], closed.window_of(name), model.plan.window.min_rows))
        for finding in combined(found):
            follow(model, name, finding, closed)
        _age(model, name, rows, closed)
    for name in closed.retired:
        model.return_after(name, end)
    compare_counts(model, live, closed)
    _drop_panes(model, end)
    model.closed = max(model.closed, end)
    model.next_end = end + microseconds(model.plan.window.every)
    return closed


def _rows(model: Model, name: str, start: Instant, end: Instant) -> int:
    keys = [(name, at) for at in range(start, end, model.plan.window.pane)]
    profiled = sum(model.panes[key].rows for key in keys if key in model.panes)
    return profiled + sum(model.bare.get(key, 0) for key in keys)


def _sum(model: Model, name: str, judge: Judge, start: Instant, end: Instant) -> Profile:
    return stretch_profile(model, name, judge.reference.binning, (start, end))


def _served(model: Model, name: str, rows: dict[str, int], end: Instant) -> Served:
    """Return what the stretch that ends now showed of the service around a version."""
    judge = model.versions[name].judge
    step = None if judge is None else _sum(model, name, judge, end - microseconds(model.plan.window.every), end)
    return served(model, name, step, rows, end)


def _close_version(model: Model, name: str, closed: Closed, wall: Instant, sharing: int) -> None:
    version, plan = model.versions[name], model.plan
    start = closed.end - microseconds(plan.window.length)
    ident = window_id(plan.name, name, start, closed.end)
    body = _blank(model, name, ident, (start, closed))
    if version.judge is None or version.memory is None or start < version.judged_from:
        body["rows"] = _rows(model, name, start, closed.end)
        gathered = start < version.judged_from
        body["calibration_why"] = GATHERING_REFERENCE if gathered else model.references.why_unjudged([name])
        closed.windows.append(body)
        return
    judge = version.judge
    own = judge.shares(sharing)[0]
    profile = _sum(model, name, judge, max(start, version.measured_from), closed.end)
    stretch_start = closed.end - microseconds(plan.window.every)
    step = profile if stretch_start == start else _sum(model, name, judge, stretch_start, closed.end)
    _look_apart(model, version, name, closed.end)
    tested = _test_values(model, version, name, (max(start, version.measured_from), closed.end))
    step_judged, threshold = feed(model, version, step, (closed.end, closed.at, ident), own)
    columns = _columns(model, version, profile, tested)
    change = move(model, (plan.name, name), step_judged, columns, (closed.at, ident, start))
    body |= _judged_body(model, version, profile, body["resources"], (columns, threshold))
    if start < version.measured_from:
        body["rows"] = _rows(model, name, start, closed.end)
    body["quality_violations"] = window_violations(judge, profile, plan.window.min_rows, own)
    body["attributions"] = attributions_body(judge.reference, judge.sizes, profile)
    closed.windows.append(body)
    if version.alert.state is not AlertState.INACTIVE or change is not None:
        _alert(model, name, (body, change), closed, wall)
    if change is Change.RESOLVED:
        if version.alert.evident:
            version.memory = judging.forget(judge, version.memory)
            if version.apart is not None:
                without_evidence(version.apart)
        version.alert, version.alert_body = DriftAlert(), None
    if version.parts or version.raised:
        close_segments(model, name, body, closed, sharing)


def _columns(model: Model, version: Version, profile: Profile, tested: dict[str, Json]) -> list[Json]:
    """Return the columns of a window of a version that is judged, that of a classifier among them.

    Parameters
    ----------
    tested: what a child says of some, by name.
    """
    judge, memory, window = version.judge, version.memory, model.plan.window
    if judge is None or memory is None:
        return []
    every = microseconds(window.every)
    columns = measure_columns(judge, memory, profile, window.min_rows, every, tested)
    return with_its_column(version, columns, every)


def _test_values(model: Model, version: Version, name: str, span: tuple[Instant, Instant]) -> dict[str, Json]:
    """Have columns under a rule on one of Evidently's tests judged, where there are some."""
    if version.tested is None:
        return {}
    (start, end), window = span, model.plan.window
    every = microseconds(window.every)
    rows = {at: _rows(model, name, at, at + every) for at in range(start // every * every, end, every)}
    found = judge_by_values(version.tested, Stretch(start, end, rows, window.min_rows), model.workers.ask)
    let_go(version.tested, end + every - microseconds(window.length))
    return found


def _look_apart(model: Model, version: Version, name: str, end: Instant) -> None:
    """Have a classifier compare the steps that are over, where one is asked for."""
    if version.apart is not None:
        since = max(version.since, version.judged_from, version.measured_from)
        frozen = fires_by_evidence(version)
        call = partial(model.workers.call_in_turn, f"{model.plan.name}~{name}")
        look_at_steps(version.apart, end, since, call, frozen=frozen)


def _blank(model: Model, name: str, ident: str, span: tuple[Instant, Closed]) -> Json:
    start, closed = span
    return {
        "kind": "window",
        "schema": 1,
        "id": ident,
        "model": model.plan.name,
        "version": name,
        "start": to_text(start),
        "end": to_text(closed.end),
        "closed_at": to_text(closed.at),
        "rows": 0,
        "verdict": Verdict.INSUFFICIENT_DATA.value,
        "why": Why.NO_REFERENCE.value,
        "calibrated": False,
        "calibration_why": Why.NO_REFERENCE.value,
        "evidence": None,
        "evidence_threshold": None,
        "columns_judged": 0,
        "columns_drifted": 0,
        "columns": [],
        "quality_violations": [],
        "performance": [],
        "fairness": [],
        "targets_coverage_ratio": None,
        "latency_seconds": {"p50": None, "p95": None, "p99": None},
        "errors_ratio": None,
        "resources": resources_body(model.plan.used(start, closed.end)),
        "freshness_seconds": None,
        "objectives": [],
        "usual": {},
        "segments": [],
        "unsegmented_rows": {},
        "compared": None,
        "attributions": None,
        "reference": None,
    }


def _judged_body(
    model: Model, version: Version, profile: Profile, used: Json, found: tuple[list[Json], float | None]
) -> Json:
    (columns, threshold), judge = found, version.judge
    return {
        **verdict_body(version, profile.rows, columns, threshold, model.plan.window),
        "columns": columns,
        "latency_seconds": latency_quantiles(profile.latency),
        **usage_body(profile, used),
        "reference": None if judge is None else {"id": judge.reference.id, "rows": judge.reference.rows},
    }


def _alert(model: Model, name: str, news: tuple[Json, Change | None], closed: Closed, wall: Instant) -> None:
    """Write the alert of a version down, decide on its action, and queue what is to be told."""
    window, change = news
    version = model.versions[name]
    if version.alert.state is AlertState.PENDING:
        return
    body = alert_body(model, (model.plan.name, name), window, change, closed.at)
    body, change = told_anew(version.alert_body, body, change)
    is_firing = version.alert.state is AlertState.FIRING
    acted = act(model, by_alert(body, window), (closed.at, wall)) if is_firing else None
    _record(model, version, (body, window), (change, acted), closed)


def _record(
    model: Model, version: Version, bodies: tuple[Json, Json], news: tuple[Change | None, Act | None], closed: Closed
) -> None:
    body, window = bodies
    change, acted = news
    if acted is not None:
        body["action"] = acted.summary
        if acted.changed:
            closed.actions.append(acted.body)
    version.alert_body = body
    closed.moved.append(body)
    if change is not None and change is not Change.REPEAT_DUE:
        closed.alerts.append(body)
    closed.told += tell(model, body, window, change, acted)


def _age(model: Model, name: str, rows: dict[str, int], closed: Closed) -> None:
    """Count the silence of a version, and retire it when another has taken over."""
    version = model.versions[name]
    version.silent = 0 if rows[name] else version.silent + 1
    if version.silent < SILENT_WINDOWS or not any(n for other, n in rows.items() if other != name):
        return
    version.alert, change = retire(version.alert, closed.at)
    version.retired = True
    closed.retired.append(name)
    end_all(model, name, closed)
    end_segments(model, name, closed)
    if change is None:
        return
    window = closed.window_of(name)
    body = alert_body(model, (model.plan.name, name), window, change, closed.at)
    _record(model, version, (body, window), (change, None), closed)
    version.alert = DriftAlert()


def _drop_panes(model: Model, end: Instant) -> None:
    """Forget panes that no open window covers: those of the closed window that the next one leaves out."""
    start = end - microseconds(model.plan.window.length)
    for at in range(start, start + microseconds(model.plan.window.every), model.plan.window.pane):
        for name in model.versions:
            model.panes.pop((name, at), None)
            model.bare.pop((name, at), None)
            model.part_panes.pop((name, at), None)
