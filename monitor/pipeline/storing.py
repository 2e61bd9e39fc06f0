"""The model between two transactions, to the store and back. Nothing is kept that would not come back bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from monitor.alert import AlertState
from monitor.calibration import engine as calibration
from monitor.fixed_rule import Streak
from monitor.instant import Instant
from monitor.judge import Judge, Memory
from monitor.packing import panes_bytes, panes_from_bytes
from monitor.performance.burning import Ledger
from monitor.pipeline.apart_bytes import fill_apart, forget_apart, names_of_apart, save_apart, save_rows
from monitor.pipeline.arrivals import Arrivals
from monitor.pipeline.by_evidently import new_tested
from monitor.pipeline.cohorts import TargetWatch, scored_body, scored_from
from monitor.pipeline.comparing import versus_body, versus_from
from monitor.pipeline.habit_bytes import fill_habit, habit_bytes, history_bytes
from monitor.pipeline.habits import new_habits
from monitor.pipeline.holding import load_gathered
from monitor.pipeline.memory_bytes import drift_alert, memory_from, step_bytes
from monitor.pipeline.model import APART, VALUES, Model, Raised, Version, new_parts
from monitor.pipeline.segment_bytes import SEGMENTS, fill_segments, segments_bytes
from monitor.pipeline.telling_apart import new_apart
from monitor.pipeline.tested_bytes import fill_tested, forget_tested, names_of_tested, save_tested, save_tested_rows
from monitor.store.action import actions_since
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, load_memory, load_piece, save_memory
from monitor.store.pane import delete_panes, load_panes, save_pane
from monitor.tally import Tally
from monitor.threshold_alert import ThresholdAlert
from monitor.window import NEVER

_PROGRESS, _TARGETS, _ARRIVALS, _SCORED, _VERSUS = "progress", "targets", "arrivals", "scored", "versus"
_ALERT, _STEP, _ENGINE, _LEDGERS = "alert", "step", "engine", "ledgers"
_HABIT, _HISTORY = "habit:", "history:"


def save_progress(connection: Connection, model: Model) -> None:
    """Keep how far the model's time has come."""
    body = {
        "reached": {str(place): at for place, at in model.reached.items()},
        "heard": {str(place): at for place, at in model.heard.items()},
        "closed": model.closed,
        "next_end": model.next_end,
        "settings": model.digest,
        "settles_until": model.settles_until,
        "bare": [[version, at, rows] for (version, at), rows in model.bare.items()],
        "versions": {
            name: {
                "since": version.since,
                "silent": version.silent,
                "retired": version.retired,
                "heard_until": version.heard_until,
                "newest": version.newest,
                "judged_from": version.judged_from,
                "measured_from": version.measured_from,
                "reference": version.judge.reference.id if version.judge is not None else None,
            }
            for name, version in model.versions.items()
        },
    }
    save_memory(connection, model.plan.name, "", _PROGRESS, _dump(body))


def load_retired(connection: Connection, model: str) -> dict[str, bool]:
    """Return each version that has had records, and whether it is retired: as the last transaction left it."""
    body = json.loads(load_piece(connection, model, "", _PROGRESS) or b"{}")
    return {name: kept["retired"] for name, kept in body.get("versions", {}).items()}


def save_targets_known(connection: Connection, model: Model) -> None:
    """Keep how many targets were known when, and those that no close has looked at; apart, as they change seldom.

    Those that a close has taken meanwhile stay in what is kept; who loads it lets go of them.
    """
    body = {str(at): n for at, n in model.targets.items()}
    save_memory(connection, model.plan.name, "", _TARGETS, _dump(body))
    save_memory(connection, model.plan.name, "", _ARRIVALS, model.arrivals.to_bytes())


def save_panes(connection: Connection, model: Model, keys: set[tuple[str, Instant]]) -> None:
    """Keep the panes that a batch touched."""
    for version, start in sorted(keys):
        profile = model.panes[version, start]
        parts = model.part_panes.get((version, start), {})
        packed = panes_bytes(profile, parts, _tallies(model, version))
        save_pane(connection, model.plan.name, version, start, profile.rows, packed)


def save_sampled(connection: Connection, model: Model, sampled: Mapping[tuple[str, str], Sequence[pa.Table]]) -> None:
    """Keep the rows of a batch that a child may be given, by version and what for."""
    for (name, whose), tables in sorted(sampled.items()):
        version, rows = model.versions[name], pa.concat_tables(tables)
        if whose == APART and version.apart is not None and rows.num_rows:
            save_rows(connection, model.plan.name, name, version.apart, rows)
        if whose == VALUES and version.tested is not None and rows.num_rows:
            save_tested_rows(connection, model.plan.name, name, version.tested, rows)


def _tallies(model: Model, version: str) -> tuple[Tally, ...]:
    judge = model.references.judge(version)
    return () if judge is None else judge.reference.binning.tallies


def save_versions(connection: Connection, model: Model, first_pane: Instant) -> None:
    """Keep what closing a window changed; forget panes before the first that an open window covers."""
    name = model.plan.name
    delete_panes(connection, name, first_pane)
    for version_name, version in model.versions.items():
        if version.retired:
            _forget(connection, name, version_name, version)
            continue
        alert: dict[str, Any] = {"alert": asdict(version.alert), "body": version.alert_body}
        alert["raised"] = [[*key, asdict(raised.alert), raised.body] for key, raised in version.raised.items()]
        alert["promised"] = version.promised
        alert["held"] = version.held
        alert["lately"] = [[end, *known] for end, known in version.lately.items()]
        alert["streaks"] = {column: asdict(streak) for column, streak in version.streaks.items()}
        save_memory(connection, name, version_name, _ALERT, _dump(alert))
        _save_habits(connection, name, version_name, version)
        if version.apart is not None:
            save_apart(connection, name, version_name, version.apart)
        if version.tested is not None:
            save_tested(connection, name, version_name, version.tested)
        if version.ledgers:
            save_memory(connection, name, version_name, _LEDGERS, _dump(_ledgers_body(version)))
        if version.judge is not None and version.memory is not None:
            _save_judgement(connection, name, version_name, (version.judge, version.memory))
        if version.parts:
            save_memory(connection, name, version_name, SEGMENTS, segments_bytes(version.parts, model.next_end))
        elif version.parts_gone:
            delete_memory(connection, name, version_name, SEGMENTS)
            version.parts_gone = False
    if model.plan.targets is not None:
        body = {"versions": scored_body(model.scored), "watch": asdict(model.watch)}
        save_memory(connection, name, "", _SCORED, _dump(body))
    _save_versus(connection, model)
    save_progress(connection, model)


def _forget(connection: Connection, model: str, name: str, version: Version) -> None:
    for piece in (_ALERT, _STEP, _ENGINE, _LEDGERS, SEGMENTS, *_of_habits(version)):
        delete_memory(connection, model, name, piece)
    if version.apart is not None:
        forget_apart(connection, model, name, version.apart)
    if version.tested is not None:
        forget_tested(connection, model, name, version.tested)


def _save_versus(connection: Connection, model: Model) -> None:
    """Keep the comparisons of versions; with one version there are none, and nothing is written."""
    if model.versus:
        save_memory(connection, model.plan.name, "", _VERSUS, _dump(versus_body(model.versus)))
    elif model.versus_kept:
        delete_memory(connection, model.plan.name, "", _VERSUS)
    model.versus_kept = bool(model.versus)


def _save_habits(connection: Connection, model: str, name: str, version: Version) -> None:
    for kind, habit in version.habits.items():
        save_memory(connection, model, name, f"{_HABIT}{kind}", habit_bytes(habit))
        if habit.changed:
            save_memory(connection, model, name, f"{_HISTORY}{kind}", history_bytes(habit))
            habit.changed = False


def _ledgers_body(version: Version) -> dict[str, Any]:
    return {name: [ledger.since, ledger.tiers] for name, ledger in version.ledgers.items()}


def _of_habits(version: Version) -> list[str]:
    return [f"{piece}{kind}" for kind in version.habits for piece in (_HABIT, _HISTORY)]


def _ledgers(payload: bytes) -> dict[str, Ledger]:
    """Return the ledgers of objectives; the numbers that JSON made texts of are numbers again."""
    found = {}
    for name, (since, tiers) in json.loads(payload).items():
        numbered = {int(size): {int(at): pair for at, pair in buckets.items()} for size, buckets in tiers.items()}
        found[name] = Ledger(numbered, since)
    return found


def _save_judgement(connection: Connection, model: str, version: str, pair: tuple[Judge, Memory]) -> None:
    judge, memory = pair
    if judge.engine is not None and memory.state is not None:
        save_memory(connection, model, version, _ENGINE, calibration.to_bytes(judge.engine, memory.state))
    save_memory(connection, model, version, _STEP, step_bytes(judge, memory))


def load_model(connection: Connection, model: Model) -> None:
    """Fill a fresh model with what the store kept of it."""
    name = model.plan.name
    pieces: dict[str, dict[str, bytes]] = {}
    for (version, piece), payload in load_memory(connection, name).items():
        pieces.setdefault(version, {})[piece] = payload
    body = json.loads(pieces.get("", {}).get(_PROGRESS, b"{}"))
    if not body:
        return
    model.reached = {int(place): at for place, at in body["reached"].items()}
    model.heard = {int(place): at for place, at in body["heard"].items()}
    model.closed, model.next_end = body["closed"], body["next_end"]
    model.settles_until = body.get("settles_until", NEVER)
    if body.get("settings") != model.digest:
        model.unsettle()
    targets = json.loads(pieces[""].get(_TARGETS, b"{}"))
    model.targets = {int(at): n for at, n in targets.items()}
    scored = json.loads(pieces[""].get(_SCORED, b"{}"))
    model.scored, model.watch = scored_from(scored.get("versions", {})), TargetWatch(**scored.get("watch", {}))
    model.versus = versus_from(json.loads(pieces[""].get(_VERSUS, b"{}")))
    model.versus_kept = bool(model.versus)
    model.arrivals = Arrivals.from_bytes(pieces[""].get(_ARRIVALS, b""))
    if model.next_end is not None:
        model.arrivals.take(model.next_end - 1)  # by closes that are over; a window's first look waits for no target
    model.bare = {(version, at): rows for version, at, rows in body["bare"]}
    model.versions = {
        version: _version(model, version, kept, pieces.get(version, {})) for version, kept in body["versions"].items()
    }
    for version in model.versions:
        load_gathered(model, version, pieces.get(version, {}))
        if names := _unasked(model.versions[version], pieces.get(version, {})):
            model.unwanted.setdefault(version, []).extend(names)
    for pane in load_panes(connection, name, NEVER):
        if _same_reference(model, pane.version, body["versions"]):
            whole, parts = panes_from_bytes(pane.payload, _tallies(model, pane.version))
            model.panes[pane.version, pane.start] = whole
            if parts and model.versions[pane.version].parts:
                model.part_panes[pane.version, pane.start] = parts
    model.actions = {action["id"]: action for action in actions_since(connection, name, NEVER)}


def _unasked(version: Version, pieces: Mapping[str, bytes]) -> list[str]:
    """Return under which names rows are kept for what was asked for, and is not any more."""
    apart = names_of_apart(pieces) if version.apart is None else []
    return [*apart, *(names_of_tested(pieces) if version.tested is None else [])]


def _same_reference(model: Model, version: str, kept: Mapping[str, Any]) -> bool:
    """Say whether panes still fit: those of a reference that was changed meanwhile count nothing comparable."""
    judge = model.references.judge(version)
    return judge is not None and version in kept and kept[version]["reference"] == judge.reference.id


def _version(model: Model, name: str, kept: Mapping[str, Any], pieces: Mapping[str, bytes]) -> Version:
    judge = model.references.judge(name)
    kept_memory = pieces.get(_STEP, b"{}"), pieces.get(_ENGINE, b"")
    memory = memory_from(judge, *kept_memory) if judge is not None else None
    facts = {key: kept[key] for key in ("since", "silent", "retired", "heard_until")}
    version = Version(judge, memory, **facts, judged_from=kept.get("judged_from", NEVER))
    version.measured_from = kept.get("measured_from", NEVER)
    version.habits = new_habits(judge.usual if judge is not None else {})
    for kind, habit in version.habits.items():
        fill_habit(habit, model.plan, pieces.get(f"{_HABIT}{kind}", b""), pieces.get(f"{_HISTORY}{kind}", b""))
    version.apart = new_apart(judge.ground if judge is not None else None)
    if version.apart is not None:
        fill_apart(version.apart, pieces)
    version.tested = new_tested(judge.values if judge is not None else None)
    if version.tested is not None:
        fill_tested(version.tested, pieces)
    version.newest, version.ledgers = kept.get("newest"), _ledgers(pieces.get(_LEDGERS, b"{}"))
    alert = json.loads(pieces.get(_ALERT, b"{}"))
    if alert:
        version.alert, version.alert_body = drift_alert(alert["alert"]), alert["body"]
        version.raised = {
            (name, segment): Raised(ThresholdAlert(**kept | {"state": AlertState(kept["state"])}), body)
            for name, segment, kept, body in alert.get("raised", [])
        }
        version.promised = alert.get("promised", {})
        version.held = tuple(alert.get("held", ()))
        version.lately = {end: (value, rows) for end, value, rows in alert.get("lately", [])}
        version.streaks = {column: Streak(**streak) for column, streak in alert.get("streaks", {}).items()}
    version.parts = new_parts(judge, version.since)
    fill_segments(version.parts, pieces.get(SEGMENTS, b""), model.next_end)
    return version


def _dump(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
