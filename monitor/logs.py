"""Structured logging: text on a terminal, one JSON object a line elsewhere; no secret and no forged line.

What is logged passes four steps, our own events and the libraries' alike: instants and levels are added,
an exception is reduced to its kind, its place and (if it is ours) its message, secrets are blotted out, and
control characters are taken off. A traceback is shown at level ``debug`` only.
"""

from __future__ import annotations

import base64
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.errors import MonitorError

LogFormat = Literal["auto", "text", "json"]
Level = Literal["debug", "info", "warning", "error"]
BLOT = "<secret>"
# Loggers that write addresses, statements or a line a request; at INFO httpx prints passwords in URLs.
_CHATTY = ("httpx", "httpcore", "sqlalchemy", "alembic", "uvicorn", "litestar", "apscheduler", "asyncio")
_SHORTEST_SECRET = 4  # a shorter one would blot out parts of ordinary words
_MOST_EVENTS = 1_000
_DEEPEST = 6
# C0 but tab, DEL and C1; line and paragraph separators; what turns the direction of text; lone surrogates.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Redactor:
    """Blots secrets out of whatever is logged, however deep it stands."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Learn secrets, also as they look percent-encoded and in base64 (Basic authentication)."""
        with self._lock:
            forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
            self._known |= forms
            longest_first = sorted(self._known, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clean(self, text: str) -> str:
        """Return a text without any known secret."""
        return self._pattern.sub(BLOT, text) if self._pattern else text

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Clean one event; a processor of structlog."""
        return {strip_controls(self.clean(str(key))): self._walk(value, 0) for key, value in event.items()}

    def _walk(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth < _DEEPEST and isinstance(value, dict):
            return {strip_controls(self.clean(str(key))): self._walk(each, depth + 1) for key, each in value.items()}
        if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self._walk(each, depth + 1) for each in value]
        return strip_controls(self.clean(str(value)))


class Throttle:
    """Lets one event of a kind through in an interval, and counts those held back.

    >>> instants = iter([0.0, 0.2, 1.5])
    >>> throttle = Throttle(1.0, clock=lambda: next(instants))
    >>> [throttle.passes("row_rejected") for _ in range(3)]
    [0, None, 1]
    """

    def __init__(self, interval_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def passes(self, event: str) -> int | None:
        """Return how many were held back since the last one that passed; ``None`` holds this one back too."""
        with self._lock:
            now = self._clock()
            last, held = self._seen.get(event, (now - self._interval, 0))
            if now - last < self._interval:
                self._seen[event] = (last, held + 1)
                return None
            if len(self._seen) >= _MOST_EVENTS:
                self._seen.clear()
            self._seen[event] = (now, 0)
            return held


def configure(
    format: LogFormat = "auto", level: Level = "info", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> Redactor:
    """Set up logging for the process; call it again after a reload.

    Parameters
    ----------
    format: ``auto`` is text if the stream is a terminal, else JSON.
    secrets: every secret that was loaded; more can be added to the redactor that is returned.
    stream: where to, by default stderr.
    """
    out = sys.stderr if stream is None else stream
    redactor = Redactor(secrets)
    text = out.isatty() if format == "auto" else format == "text"
    shared = _shared(redactor, with_tracebacks=level == "debug")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _route_the_libraries(out, shared, _renderer(text=text, colors=out.isatty()), level)
    return redactor


def strip_controls(text: str) -> str:
    """Replace what could forge a line or drive a terminal; a tab stays.

    >>> strip_controls(f"a{chr(27)}[31mb") == f"a{chr(0xFFFD)}[31mb"
    True
    """
    return _CONTROL.sub("\ufffd", text)


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = base64.b64encode(raw).decode("ascii").rstrip("=")
    return {secret, quote(secret, safe="", errors="replace"), encoded, strip_controls(secret)}


def _shared(redactor: Redactor, *, with_tracebacks: bool) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _traceback if with_tracebacks else _reduce_exception,
        redactor,
    ]


def _renderer(*, text: bool, colors: bool) -> Processor:
    if text:
        return structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at", sort_keys=False)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _route_the_libraries(out: TextIO, shared: list[Processor], renderer: Processor, level: Level) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _reduce_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        event["error"] = type(error).__name__
        event["error_at"] = _place(error.__traceback__)
        if isinstance(error, MonitorError):  # others may quote what the user's data held
            event["error_message"] = str(error)
    return event


def _traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        event["traceback"] = [line for part in format_exception(error) for line in part.splitlines()]
    return event


def _exception(given: Any) -> BaseException | None:
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    return given if isinstance(given, BaseException) else None


def _place(traceback: TracebackType | None) -> str | None:
    if traceback is None:
        return None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{Path(code.co_filename).name}:{traceback.tb_lineno} in {code.co_name}"
