"""Calls to Driftline with an action's token: no redirect is followed, and what may succeed later is tried again."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from monitor.errors import PermanentError, RetryableError

_LATER = frozenset({408, 425, 429})
_SERVER_ERROR = 500
_CLOSED = "action_closed"
_ANSWER_BYTES = 1 << 20
Found = TypeVar("Found")


class CallFailed(RetryableError):
    """Driftline gave no answer, as long as there was patience. ``may_be_taken``: it may have read the call."""

    def __init__(self, message: str, hint: str = "", *, may_be_taken: bool = False) -> None:
        super().__init__(message, hint)
        self.may_be_taken = may_be_taken


class CallRefused(PermanentError):
    """Driftline will never take this call. ``code`` is its word, such as ``action_closed``; ``status`` of HTTP."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for, and how long between tries: each wait between half of it and all of it."""

    timeout_seconds: float = 60.0
    waits_seconds: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 240.0, 300.0)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: it would be told the token."""


_OPENER = build_opener(ProxyHandler({}), _NoRedirect)


def call(url: str, token: str, patience: Patience, read: Callable[[http.client.HTTPResponse], Found]) -> Found:
    """Get an answer, and return what ``read`` makes of it.

    Raises
    ------
    CallFailed: there was none, the waits are over.
    CallRefused: the answer was a refusal.
    ValueError: the address is none of HTTP.
    """
    request = _request(url, token, None)
    for is_last in _tries(patience):
        try:
            return _once(request, patience, read)
        except CallFailed:
            if is_last:
                raise
    raise AssertionError("the last try returns or raises")


def report(url: str, token: str, patience: Patience, body: dict[str, Any]) -> None:
    """Post a report until it is taken. Where a try may have been taken unheard, "closed already" is its answer.

    Raises
    ------
    CallFailed: there was no answer, the waits are over.
    CallRefused: the answer was a refusal.
    ValueError: the address is none of HTTP.
    """
    request, may_be_taken = _request(url, token, body), False
    for is_last in _tries(patience):
        try:
            _once(request, patience, lambda answer: answer.read(_ANSWER_BYTES))
        except CallRefused as error:
            if not (may_be_taken and error.code == _CLOSED):
                raise
            return
        except CallFailed as error:
            if is_last:
                raise
            may_be_taken = may_be_taken or error.may_be_taken
        else:
            return


def _tries(patience: Patience) -> Iterator[bool]:
    """Yield once for each try, whether it is the last; wait before the next."""
    for wait_seconds in patience.waits_seconds:
        yield False
        time.sleep(random.uniform(0.5, 1.0) * wait_seconds)  # noqa: S311 - no secret
    yield True


def _once(request: Request, patience: Patience, read: Callable[[http.client.HTTPResponse], Found]) -> Found:
    may_be_taken = False
    try:
        with _OPENER.open(request, timeout=patience.timeout_seconds) as answer:
            return read(answer)
    except HTTPError as error:
        with error:
            if error.code not in _LATER and error.code < _SERVER_ERROR:
                raise _refused(error) from None
            why = f"HTTP {error.code}"
    except URLError as error:  # no connection, or none that was safe
        why = type(error.reason).__name__
    except (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException) as error:
        why, may_be_taken = type(error).__name__, True
    where = urlsplit(request.full_url).netloc
    hint = "look whether its daemon runs, and at server.external_url"
    raise CallFailed(f"Driftline at {where} gave no answer: {why}", hint, may_be_taken=may_be_taken)


def _request(url: str, token: str, body: dict[str, Any] | None) -> Request:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("not an address of HTTP; expected http:// or https://")
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", "User-Agent": "driftline-receiver"}
    if body is None:
        return Request(url, headers=headers)  # noqa: S310 - the scheme is checked
    return Request(url, json.dumps(body).encode(), headers | {"Content-Type": "application/json"})  # noqa: S310 - as above


def _refused(error: HTTPError) -> CallRefused:
    """Return a refusal in Driftline's words, where it is Driftline that refuses."""
    try:
        problem = json.loads(error.read(_ANSWER_BYTES))
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        code, detail = f"http_{error.code}", "somebody else answered, or a proxy between"
    return CallRefused(error.code, code, f"HTTP {error.code} {code}: {detail}")
