"""How a command says something to the running daemon, with a token that whoever can read the state can make."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import typer

from monitor.cli.common import plain
from monitor.errors import FatalError

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.store.database import State

_SECONDS = 30.0
_REFUSED = "E350"
ByOption = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so; unset: who is logged in.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the daemon: its path below ``/api/v1/``, and its body."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


def read_state(loaded: Loaded) -> State:
    """Open the state to read it, beside a daemon or without one."""
    from monitor.store.database import open_state

    return open_state(loaded.config.state, loaded.root, exclusive=False)


def who(by: str | None) -> str:
    """Return who says something: who is named, or else who is logged in."""
    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def ask_daemon(loaded: Loaded, what: tuple[str, str], asked: Asked, hint: str) -> dict[str, Any]:
    """Tell the running daemon what a person says, and return what it answers.

    Parameters
    ----------
    what: the verb and its object, which the token is for.
    hint: what to do if it refuses.

    Raises
    ------
    FatalError: E350, no daemon can be asked, or it refuses, and why.
    """
    listen, token = _desk(loaded, *what)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    content = None if asked.body is None else json.dumps(asked.body).encode()
    request = Request(f"http://{listen}/api/v1/{asked.path}", content, headers, method=asked.method)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as answer:
            body: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        raise FatalError(_REFUSED, _detail(error), hint) from None
    except (URLError, OSError, ValueError):
        raise FatalError(_REFUSED, f"no daemon answers at {listen}", "look at driftline status") from None
    return body


def _desk(loaded: Loaded, verb: str, subject: str) -> tuple[str, str]:
    """Return where the daemon listens, and the token for what is asked."""
    from monitor.app.actions import kept_token_key
    from monitor.app.incidents import operator_token
    from monitor.store.daemon import load_daemon
    from monitor.store.directory import holder

    state = read_state(loaded)
    try:
        key = kept_token_key(state)
        with state.read() as connection:
            daemon = load_daemon(connection)
        runs = holder(state.directory) is not None
    finally:
        state.close()
    if not runs or key is None or daemon is None or daemon.listen is None:
        raise FatalError(_REFUSED, "no daemon runs on this state", "start it with driftline run")
    return daemon.listen, operator_token(key, verb, subject)


def segment(id: str) -> str:
    """Quote one part of an address."""
    return quote(id, safe="")


def _detail(error: HTTPError) -> str:
    """Return what the daemon says of a refusal."""
    try:
        return plain(str(json.load(error)["detail"]))
    except (ValueError, KeyError, TypeError, OSError):
        return f"the daemon answered {error.code}"
