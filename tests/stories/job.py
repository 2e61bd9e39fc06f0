"""A retraining job as its owner would write it, played by a test step by step; the standard's verifier reads for it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from standardwebhooks import Webhook

from tests.scripted_http import Request, ScriptedServer
from tests.stories.running import Daemon, until
from tests.stories.world import SECRET

ACTION = "io.driftline.action.requested"
FIRING, RESOLVED = "io.driftline.alert.firing", "io.driftline.alert.resolved"
Event = dict[str, Any]


def read(request: Request) -> Event:
    """Verify a delivery and return its event.

    Raises
    ------
    WebhookVerificationError: its signature does not hold.
    """
    event: Event = Webhook(SECRET).verify(request.body, request.headers)
    assert event["id"] == request.headers["webhook-id"]
    return event


def events(requests: Iterable[Request], kind: str) -> list[Event]:
    """Return the verified events of a type, in the order they came in."""
    return [event for request in list(requests) if (event := read(request))["type"] == kind]


def wait_for(server: ScriptedServer, kind: str) -> Event:
    """Wait for an event of a type and return the first."""
    return until(lambda: events(server.requests, kind), why=f"no {kind} came")[0]


def report(daemon: Daemon, event: Event, step: str, **said: Any) -> int:
    """Report on an action and return the status of the answer."""
    callback = event["data"]["action"]["callback"]
    return daemon.ask(f"{callback['url']}/{step}", "POST", said, callback["token"])[0]


def fetch(daemon: Daemon, event: Event) -> pa.Table:
    """Return the rows that an action points to."""
    status, body = daemon.ask(event["data"]["links"]["rows"], token=event["data"]["action"]["callback"]["token"])
    assert status == 200, body
    return pq.read_table(io.BytesIO(body))
