"""One batch to Driftline by HTTP, and what became of it."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

LOG = logging.getLogger("driftline.client")
_HEADERS = {"Content-Type": "application/x-ndjson"}
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch.

    Attributes
    ----------
    accepted, refused: how many of its lines were. Neither where the batch is to be sent again.
    pause: seconds to wait before it is sent again; ``None`` where it is not.
    """

    accepted: int = 0
    refused: int = 0
    pause: float | None = None


@dataclass(slots=True)
class Sender:
    """Sends to one model; used by one thread."""

    url: str
    timeout: float
    _client: httpx.Client | None = None
    _failures: int = 0
    _told: set[int] = field(default_factory=set)

    def send(self, role: str, body: bytes) -> Outcome:
        """Send a batch of lines. One that is too large is sent in halves."""
        import httpx

        if self._client is None:
            self._client = httpx.Client(timeout=self.timeout, headers=_HEADERS, trust_env=False)
        try:
            answer = self._client.post(f"{self.url}/{role}", content=body)
        except httpx.HTTPError:
            return Outcome(pause=self._next_pause())
        status = answer.status_code
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            asked = answer.headers.get("Retry-After", "")
            return Outcome(pause=max(float(asked) if asked.isdecimal() else 0, self._next_pause()))
        self._failures = 0
        lines = body.count(b"\n")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and lines > 1:
            return self._in_halves(role, body)
        accepted = _accepted(answer)
        if accepted is None:
            self._tell(status)
        return Outcome(accepted or 0, lines - (accepted or 0))

    def close(self) -> None:
        """Give back the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _in_halves(self, role: str, body: bytes) -> Outcome:
        lines = body.splitlines(keepends=True)
        half = len(lines) // 2
        first = self.send(role, b"".join(lines[:half]))
        if first.pause is not None:
            return first
        second = self.send(role, b"".join(lines[half:]))
        if second.pause is not None:
            return second  # the first half is sent once more, and refused as duplicate
        return Outcome(first.accepted + second.accepted, first.refused + second.refused)

    def _next_pause(self) -> float:
        """Return a pause that doubles with each failure in a row, and lies anywhere in its upper half."""
        pause = min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE)
        self._failures += 1
        return float(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    def _tell(self, status: int) -> None:
        """Log a refusal of a whole batch, once for each status."""
        if status not in self._told:
            self._told.add(status)
            LOG.warning("driftline refused a batch with HTTP %d; look at its address and config", status)


def _accepted(answer: httpx.Response) -> int | None:
    """Return how many lines were taken; ``None`` where the batch was not, or somebody else answered."""
    if answer.status_code != HTTPStatus.ACCEPTED:
        return None
    try:
        return int(answer.json()["accepted"])
    except (ValueError, KeyError, TypeError):
        return None
