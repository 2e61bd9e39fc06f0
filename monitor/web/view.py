"""What the web shows and does, as it asks the daemon for it. The composition root hands in an object of this shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from monitor.instant import Instant
from monitor.web.doors import Doors

Body: TypeAlias = Mapping[str, Any]
Listing: TypeAlias = tuple[list[dict[str, Any]], str | None]


class Step(StrEnum):
    """What a retraining job says of its action."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """A retraining job's word on its action, read and checked.

    Attributes
    ----------
    version: the new version, when it succeeded.
    rows: how many rows it was trained on, if the job said so.
    why: why it failed, if the job said so.
    job: what the job calls itself, if it said so; another one that calls itself otherwise is refused from then on.
    """

    step: Step
    version: str | None = None
    rows: int | None = None
    why: str | None = None
    job: str | None = None


class Verb(StrEnum):
    """What a person says to an action that waits for approval."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's word on an action; ``by`` names the person."""

    verb: Verb
    by: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That a person has an alert in hand; ``note`` says what is done, if it was said."""

    by: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SilenceAsked:
    """A silence as a person asks for it; without ``starts_at`` from now on. Instants are wall time."""

    matchers: Sequence[str]
    ends_at: Instant
    by: str
    comment: str
    starts_at: Instant | None = None


class MetricsPage(Protocol):
    """A rendered page of metrics."""

    @property
    def body(self) -> bytes:
        """Return the page."""

    @property
    def gzipped(self) -> bytes:
        """Return the page compressed."""

    @property
    def content_type(self) -> str:
        """Return the media type with its version."""


class View(Protocol):
    """The daemon, as the web sees it.

    ``metrics``, ``alive``, ``readiness`` and ``doors`` answer from memory: they are called in the event loop. All
    others run in a thread and may read the state; they raise ``StoreBusy`` if it cannot be read now. Lists are newest
    first and raise ``ValueError`` for a cursor that is not theirs.
    """

    def metrics(self, accept: str) -> MetricsPage:
        """Return the last rendered page of metrics in the format that an ``Accept`` header prefers."""

    def alive(self) -> bool:
        """Say whether the supervisor ticked within the last 30 seconds."""

    def readiness(self) -> Body:
        """Return the body of ``/readyz``: ``{"ready": bool, "checks": [{"name", "ok", "why"}]}``."""

    def doors(self) -> Doors:
        """Return where what is sent comes in; also from memory."""

    def status(self) -> dict[str, Any]:
        """Return the ``status`` object of the contract."""

    def windows(self, model: str, limit: int, cursor: str | None) -> Listing:
        """Return windows of a model."""

    def window(self, id: str) -> dict[str, Any] | None:
        """Return a window, or ``None``."""

    def alerts(self, model: str | None, limit: int, cursor: str | None) -> Listing:
        """Return alerts (of a model) in every state."""

    def alert(self, id: str) -> dict[str, Any] | None:
        """Return an alert, or ``None``."""

    def actions(self, model: str | None, limit: int, cursor: str | None) -> Listing:
        """Return actions (of a model), without anything about their tokens."""

    def action(self, id: str) -> dict[str, Any] | None:
        """Return an action, without anything about its token, or ``None``."""

    def deliveries(self, limit: int, cursor: str | None) -> Listing:
        """Return deliveries: id, receiver, message_id, status, attempts, queued_at, next_at, ended_at, reason."""

    def report_action(self, id: str, token: str, report: Report) -> dict[str, Any]:
        """Take a job's word on its action, and return the action as it stands then.

        Raises
        ------
        Problem: 404 no such action; 401 not its token; 409 it is closed, or the step does not follow.
        """

    def rule_action(self, id: str, token: str, ruling: Ruling) -> dict[str, Any]:
        """Take a person's word on an action, and return the action as it stands then.

        Raises
        ------
        Problem: 404 no such action; 401 not the token for that; 409 it waits for nobody, or the gate withholds it.
        """

    def silences(self, limit: int, cursor: str | None) -> Listing:
        """Return silences, whether they last or have ended."""

    def acknowledge(self, id: str, token: str, said: Acknowledgement) -> dict[str, Any]:
        """Note that a person has an alert in hand, and return the alert.

        Raises
        ------
        Problem: 401 not the token for that; 404 no such alert; 409 it is over.
        """

    def make_silence(self, token: str, asked: SilenceAsked) -> dict[str, Any]:
        """Keep a silence, and return it.

        Raises
        ------
        Problem: 401 not the token for that; 422 it cannot be meant.
        """

    def end_silence(self, id: str, token: str, by: str) -> dict[str, Any]:
        """End a silence, and return it.

        Raises
        ------
        Problem: 401 not the token for that; 404 no such silence; 409 it has ended.
        """

    def retry_delivery(self, id: str, token: str, by: str) -> dict[str, Any]:
        """Let a delivery go once more, and return it.

        Raises
        ------
        Problem: 401 not the token for that; 404 no such delivery; 409 it was delivered.
        """

    def action_rows(self, id: str, token: str) -> Iterator[bytes]:
        """Return the rows to retrain with, as the bytes of one Parquet file.

        Raises
        ------
        Problem: 404 no such action, or no rows; 401 not its token; before the first bytes.
        """
