"""What a retraining job may do, with its action's token: report on the action, and fetch the rows to retrain with."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any

from monitor.app.export import Span, export_rows
from monitor.errors import StoreBusy
from monitor.instant import Instant, from_text, to_text
from monitor.pipeline.acting import report
from monitor.pipeline.model import Model
from monitor.store.action import get_action, save_action
from monitor.store.daemon import load_meta, save_meta
from monitor.store.database import State
from monitor.web.problems import Problem
from monitor.web.view import Report

Json = dict[str, Any]
_KEY = "token_key"
_KEY_BYTES = 32
_CHUNK = 1 << 20
_HIDDEN = frozenset({"decided_wall"})


def token_key(state: State) -> bytes:
    """Return the key that action tokens are made with; made once, kept in the state, which only its owner reads."""
    with state.read() as connection:
        kept = load_meta(connection, _KEY)
    if kept is None:
        kept = {"hex": secrets.token_hex(_KEY_BYTES)}
        with state.write(durable=True) as connection:
            save_meta(connection, _KEY, kept)
    return bytes.fromhex(kept["hex"])


def token_of(key: bytes, action: str) -> str:
    """Return the token of an action: the same after every restart."""
    return hmac.new(key, action.encode(), sha256).hexdigest()


def shown(action: Mapping[str, Any]) -> Json:
    """Return an action as users see it."""
    return {key: value for key, value in action.items() if key not in _HIDDEN}


def check_token(state: State, key: bytes, action: str, token: str) -> Json:
    """Return an action whose token was given.

    Raises
    ------
    Problem: 404 there is no such action; 401 it is not its token.
    """
    with state.read() as connection:
        body = get_action(connection, action)
    if body is None:
        raise Problem(404, "not_found", "there is no such action")
    if not hmac.compare_digest(token_of(key, action).encode(), token.encode("utf-8", "surrogatepass")):
        raise Problem(401, "unauthorized", "this is not the action's token", headers={"WWW-Authenticate": "Bearer"})
    return body


def take_report(state: State, model: Model, body: Json, told: Report, at: Instant) -> Json:
    """Keep a job's word on its action, and return the action.

    Raises
    ------
    Problem: 409, the action is closed.
    """
    result = {"version": told.version, "rows": told.rows, "why": told.why}
    known = model.actions.get(body["id"], body)
    after = report(known, told.step.value, result)
    if after is None:
        raise Problem(409, "action_closed", f"the action is {known['status']} already")
    after["updated_at"] = to_text(at)
    with state.write(durable=True) as connection:
        save_action(connection, after)
    model.actions[body["id"]] = after
    return shown(after)


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
