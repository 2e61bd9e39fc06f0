"""Every exception of the project, sorted by what its catcher must do.

| class | the catcher | example |
|---|---|---|
| ``ConfigError`` | stops: an operator edits a file; exit 2 | an unknown key |
| ``FatalError`` | stops: the process cannot go on; exit 3 | the state is locked |
| ``RetryableError`` | tries the same call again later | a receiver answered 503 |
| ``PermanentError`` | sets the thing aside and counts it | a receiver answered 404 |

No message holds a secret or a raw value of the user's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MonitorError(Exception):
    """What went wrong, and what the operator can do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; help: {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault or warning in what an operator wrote.

    Attributes
    ----------
    code: ``E…`` for a fault, ``W…`` for a warning.
    file, line, column: where, counted from 1; ``None`` outside a file.
    path: the key, such as ``models[flight-delay].window.every``.
    message: what is wrong, what was got, what is expected.
    help: what to do, or ``None``.
    """

    code: str
    file: str | None
    line: int | None
    column: int | None
    path: str
    message: str
    help: str | None = None

    def __str__(self) -> str:
        where = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        level = "warning" if self.code.startswith("W") else "error"
        text = f"{':'.join([*where, ''])} {level}[{self.code}] {self.path}: {self.message}".strip()
        return f"{text}\n  help: {self.help}" if self.help else text


class ConfigError(MonitorError):
    """The config, an argument or a named file is at fault: nothing was started."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class FatalError(MonitorError):
    """The process cannot go on: exit 3 with ``fatal[CODE]``."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code

    def __str__(self) -> str:
        return f"fatal[{self.code}]: {super().__str__()}"


class RetryableError(MonitorError):
    """The same call may succeed later."""


class SourceUnavailable(RetryableError):
    """A source cannot be read now: a missing mount, a permission, an I/O error."""


class StoreBusy(RetryableError):
    """The state could not be written now: a full disk, a lock, an I/O error."""


class DeliveryFailed(RetryableError):
    """A receiver did not take a message; the next try comes later.

    Parameters
    ----------
    reason: stable snake_case, such as ``http_503`` or ``timeout``; a metric's label.
    retry_after: seconds the receiver asked us to wait, or ``None``.
    """

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class PermanentError(MonitorError):
    """The same call would never succeed: set it aside and count it."""


class DeliveryRefused(PermanentError):
    """A receiver will never take this message, such as for a 404 or a refused address.

    ``disable`` is true when the receiver asked never to be called again (410).
    """

    def __init__(self, reason: str, message: str, *, disable: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.disable = disable


class ReferenceUnusable(PermanentError):
    """A reference cannot be read or holds no row: ``code`` is one of E160 to E169."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code
