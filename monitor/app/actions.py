"""What is done about an action from outside, with a token: a job reports and fetches its rows, a person rules."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any

from monitor.action import Status
from monitor.app.export import Span, export_rows
from monitor.errors import StoreBusy
from monitor.incidents.post import post
from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.pipeline.acting import approved, await_recovery, is_of_another, rejected, report
from monitor.pipeline.model import Model
from monitor.pipeline.telling import request
from monitor.store.action import get_action, save_action
from monitor.store.alert import get_alert
from monitor.store.audit import append_action
from monitor.store.daemon import load_meta, save_meta
from monitor.store.database import State
from monitor.store.window import get_window
from monitor.web.problems import Problem
from monitor.web.view import Report, Ruling, Step, Verb

Json = dict[str, Any]
_KEY = "token_key"
_KEY_BYTES = 32
_CHUNK = 1 << 20
_HIDDEN = frozenset({"decided_wall", "asked", "raised", "before"})
_LATER: Json = {
    **dict.fromkeys(("trigger", "by", "window", "reference", "job", "recovery")),
    "decisions": [],
    "attempts": [],
}


def token_key(state: State) -> bytes:
    """Return the key that action tokens are made with; made once, kept in the state, which only its owner reads."""
    kept = kept_token_key(state)
    if kept is None:
        kept = secrets.token_bytes(_KEY_BYTES)
        with state.write(durable=True) as connection:
            save_meta(connection, _KEY, {"hex": kept.hex()})
    return kept


def kept_token_key(state: State) -> bytes | None:
    """Return the key that the state holds, or ``None``."""
    with state.read() as connection:
        kept = load_meta(connection, _KEY)
    return None if kept is None else bytes.fromhex(kept["hex"])


def token_of(key: bytes, action: str) -> str:
    """Return the token of an action: the same after every restart."""
    return hmac.new(key, action.encode(), sha256).hexdigest()


def ruling_token(key: bytes, verb: Verb, action: str) -> str:
    """Return the token with which a person rules on an action: no job is ever told it."""
    return token_of(key, f"{verb.value} {action}")


def shown(action: Mapping[str, Any]) -> Json:
    """Return an action as users see it; what an older version did not note is unknown."""
    return _LATER | {key: value for key, value in action.items() if key not in _HIDDEN}


def check_token(state: State, action: str, expected: Callable[[Json], str], token: str) -> Json:
    """Return an action whose expected token was given.

    Raises
    ------
    Problem: 404 there is no such action; 401 it is not its token.
    """
    with state.read() as connection:
        body = get_action(connection, action)
    if body is None:
        raise Problem(404, "not_found", "there is no such action")
    if not hmac.compare_digest(expected(body).encode(), token.encode("utf-8", "surrogatepass")):
        raise Problem(401, "unauthorized", "this is not the action's token", headers={"WWW-Authenticate": "Bearer"})
    return body


def take_report(state: State, model: Model, body: Json, told: Report, at: Instant) -> Json:
    """Keep a job's word on its action, and return the action.

    Raises
    ------
    Problem: 409, the action is closed, or another job has it.
    """
    result = {"version": told.version, "rows": told.rows, "why": told.why}
    known = model.actions.get(body["id"], body)
    if is_of_another(known, told.job):
        raise Problem(409, "other_job", "another job has said that the action is its own")
    after = report(known, told.step.value, result, told.job)
    if after is None:
        raise Problem(409, "action_closed", f"the action is {known['status']} already ({known['why']})")
    after["updated_at"] = to_text(at)
    if told.step is Step.SUCCEEDED:
        after = await_recovery(model, after, model.closed + microseconds(model.plan.window.lateness))
    with state.write(durable=True) as connection:
        save_action(connection, after)
        append_action(connection, at, "job", after)
    model.actions[body["id"]] = after
    return shown(after)


def take_ruling(state: State, model: Model, body: Json, ruling: Ruling, wall: Instant) -> tuple[Json, list[str]]:
    """Keep a person's word on an action, and queue what an approval asks for.

    Returns the action, and the receivers to wake.

    Raises
    ------
    Problem: 409, the action waits for nobody, or the gate withholds it now.
    """
    known = model.actions.get(body["id"], body)
    now = model.closed + microseconds(model.plan.window.lateness), wall
    rule = approved if ruling.verb is Verb.APPROVE else rejected
    after = rule(model, known, ruling.by, now)
    if after is None:
        detail = f"the action is {known['status']} ({known['why']}) and does not wait for approval"
        raise Problem(409, "action_closed", detail)
    with state.write(durable=True) as connection:
        alert = get_alert(connection, after["alert"]) if after["alert"] else None
        window = get_window(connection, after["window"])
        queued = [] if window is None else request(model, alert or _by_age(after), window, after)
        post(connection, queued, model.plan.policy, wall)
        save_action(connection, after)
        append_action(connection, wall, ruling.by, after)
    model.actions[body["id"]] = after
    if ruling.verb is Verb.APPROVE and after["status"] != Status.REQUESTED.value:
        raise Problem(409, "action_withheld", f"the gate withholds the action now: {after['why']}")
    return shown(after), sorted({receiver for each in queued for receiver in each.receivers})


def _by_age(action: Json) -> Json:
    return {"model": action["model"], "version": action["version"]}


def rows_of(state: State, model: Model, body: Json) -> Iterator[bytes]:
    """Return the rows to retrain with, with targets where known, as the bytes of one Parquet file.

    Raises
    ------
    Problem: 404, no rows were kept.
    StoreBusy: they cannot be read or written out now.
    """
    file = TemporaryFile(dir=state.directory)  # noqa: SIM115 - read on by the server, and closed with its answer
    try:
        found = export_rows(state, model, Span(from_text(body["rows_from"]), from_text(body["rows_to"])), file)
    except OSError as error:
        raise StoreBusy(f"the rows cannot be written out now: {error.strerror}", "check the disk") from error
    if not found:
        raise Problem(404, "no_rows", "no rows were kept of that time")
    file.seek(0)
    return iter(lambda: file.read(_CHUNK), b"")
