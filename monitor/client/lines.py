"""A record or a target as a line of NDJSON, with an id and a time if it has none."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

ID, TIME, TARGET = "request_id", "timestamp", "target"
"""The names by which Driftline finds them unless ``columns`` tells others."""


class _Now(int):
    """Microseconds since 1970 that were taken here; written as text later, where nobody waits."""


def ids() -> Callable[[], str]:
    """Return what gives ids that no other process gives, and no other call."""
    prefix, count = os.urandom(8).hex(), itertools.count()
    return lambda: f"{prefix}-{next(count)}"


def stamped(record: Mapping[str, Any], new_id: Callable[[], str]) -> dict[str, Any]:
    """Return a record with an id and a time; mappings in it are copied, so that they may change afterwards."""
    found = {key: dict(value) if isinstance(value, dict) else value for key, value in record.items()}
    if found.get(ID) is None:
        found[ID] = new_id()
    if found.get(TIME) is None:
        found[TIME] = _Now(time.time_ns() // 1000)
    return found


def targeted(request_id: str, target: Any) -> dict[str, Any]:
    """Return a target, with the time at which it became known."""
    return {ID: request_id, TARGET: target, TIME: _Now(time.time_ns() // 1000)}


def line_of(body: Mapping[str, Any]) -> bytes:
    """Return a line of NDJSON.

    Raises
    ------
    TypeError, ValueError: it holds what JSON cannot say.
    """
    at = body[TIME]
    if isinstance(at, _Now):
        body = {**body, TIME: (_EPOCH + timedelta(microseconds=at)).isoformat()}
    return _ENCODER.encode(body).encode() + b"\n"


def _plain(value: Any) -> Any:
    """Return a value of NumPy, pandas or the standard library as JSON says it."""
    for name in ("tolist", "isoformat"):
        convert = getattr(value, name, None)
        if callable(convert):
            return convert()
    raise TypeError(type(value).__name__)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))
