"""Answers that say 2xx and mean no."""

from __future__ import annotations

import json
from collections.abc import Callable


def not_ok(body: bytes) -> str | None:
    """Return what is wrong unless the body is exactly ``ok``, as Slack's is.

    >>> not_ok(b"ok"), not_ok(b"no_service")
    (None, 'said no_service')
    """
    said = body.strip()
    return None if said == b"ok" else f"said {_word(said)}"


def lacking(key: str) -> Callable[[bytes], str | None]:
    """Return a reader of JSON answers that must speak of a key; the end of a long one is not there to be parsed.

    >>> lacking("run_id")(b'{"run_id": 7}'), lacking("run_id")(b"<!doctype html><title>Log in</title>")
    (None, 'said nothing of run_id')
    """
    named = f'"{key}"'.encode()
    return lambda body: None if body.lstrip().startswith(b"{") and named in body else f"said nothing of {key}"


def says_error(body: bytes) -> str | None:
    """Return what is wrong where a body tells of an HTTP error, as connectors of Teams do.

    >>> says_error(b"Microsoft Teams endpoint returned HTTP error 429"), says_error(b"1")
    ('told of an HTTP error', None)
    """
    return "told of an HTTP error" if b"HTTP error" in body else None


def not_launched(body: bytes) -> str | None:
    """Return what is wrong unless Dagster says that the run was launched.

    >>> not_launched(b'{"data": {"launchRun": {"__typename": "PythonError"}}}')
    'said PythonError'
    """
    try:
        kind = json.loads(body)["data"]["launchRun"]["__typename"]
    except (ValueError, TypeError, KeyError):
        return "gave no answer that can be read"
    return None if kind == "LaunchRunSuccess" else f"said {_word(str(kind).encode())}"


def _word(said: bytes) -> str:
    """Return a short plain word of an answer; anything else is not repeated."""
    text = said[:40].decode("ascii", "replace")
    return text if text and all(letter.isalnum() or letter in "_-. " for letter in text) else "something else"
