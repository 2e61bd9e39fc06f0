"""Who plays beside the demo in its tests: a desk that a retraining job talks to, and a monitor with a script."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from standardwebhooks import Webhook

from monitor.demo.data import FEATURES
from monitor.instant import SECOND, Instant, to_text

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
ACTION = "ac_7m2p4t6x5zq3ks5vwy2rnb6djc"
DAY = 86_400 * SECOND


@dataclass
class Desk:
    """Gives rows to whoever has the token, and writes down what is reported."""

    rows: bytes
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def desk(rows: bytes) -> Iterator[Desk]:
    """Open a desk on loopback."""
    opened = Desk(rows)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(opened.rows)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(b"{}", json.loads(body))

        def _answer(self, content: bytes, body: Any = None) -> None:
            opened.calls.append((self.path.rpartition("/")[2], self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1/actions/{ACTION}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield opened
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def event(base: str, **action: Any) -> bytes:
    """Return the message that asks for a retraining."""
    asked = {"id": ACTION, "kind": "retrain", "status": "requested", "why": "gate_open", "fence": 1}
    callback = {"url": base, "token": "t0ken"}
    data = {"action": {**asked, "callback": callback, **action}, "links": {"rows": f"{base}/rows"}}
    return json.dumps({"specversion": "1.0", "type": "io.driftline.action.requested", "data": data}).encode()


def signed(body: bytes, secret: str = SECRET, id_: str = "evt_1", age: timedelta = timedelta()) -> dict[str, str]:
    """Return the headers of a signed message."""
    at = datetime.now(UTC) - age
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, body.decode()),
        "Content-Type": "application/cloudevents+json",
    }


def parquet(rows: pa.Table, directory: Path) -> bytes:
    """Return rows as the monitor hands them out: flat names, targets where known."""
    columns = {"timestamp": rows["timestamp"].cast(pa.timestamp("us", "UTC")), "request_id": rows["request_id"]}
    columns |= {f"inputs.{name}": rows[name] for name in FEATURES}
    pq.write_table(pa.table({**columns, "target": rows["late"]}), directory / "out.parquet")
    return (directory / "out.parquet").read_bytes()


@dataclass
class ScriptedMonitor:
    """A monitor whose script says when it fires and when it asks for a retraining; what follows is played out.

    Attributes
    ----------
    fires_at, asks_at: event time; ``None`` never.
    ask: sends the webhook.
    """

    desk: Desk
    fires_at: Instant | None
    asks_at: Instant | None
    version: Callable[[], str]
    ask: Callable[[], None]
    factor: Callable[[], float] = lambda: 1.0
    now: Instant = 0
    asked: bool = False
    closed: bool = False
    sees_fault: bool = True
    _promoted_at: Instant | None = None
    _broke_at: Instant | None = None

    page = "http://127.0.0.1:10464/"
    metrics = "http://127.0.0.1:10464/metrics"

    def advance(self, until: Instant) -> Sequence[dict[str, Any]]:
        """Close a window of the version that serves, twice a day."""
        self.now = until
        if self.factor() != 1.0 and self._broke_at is None:
            self._broke_at = until
        if self.version() != "1" and self._promoted_at is None:
            self._promoted_at = until
        if self.asks_at is not None and until >= self.asks_at and not self.asked:
            self.asked = True
            self.ask()
        ident = f"shop~{self.version()}~20130401T000000Z~20130402T000000Z"
        scores = [{"metric": "roc_auc", "estimated": {"value": 0.7, "lower": 0.6, "upper": 0.8}}]
        body = {"version": self.version(), "verdict": "stable", "evidence": 1.0, "evidence_threshold": 60.0}
        return [{"id": ident, **body, "performance": scores}]

    def records(self) -> int:
        """Return any number."""
        return 1

    def alerts(self) -> Sequence[dict[str, Any]]:
        """Return the alert of the script, which resolves two days after the promotion, and after it that of a fault."""
        if self.fires_at is None or self.now < self.fires_at:
            return []
        over = self._promoted_at is not None and self.now >= self._promoted_at + 2 * DAY
        alert = {"id": "al_1", "name": "drift", "severity": "warning", "columns": ["temp"], "diagnosis": None}
        times = {"started_at": to_text(self.fires_at), "resolved_at": to_text(self.now) if over else None}
        drift = {**alert, **times, "state": "resolved" if over else "firing", "reason": "first_time"}
        return [*self._of_fault(drift), drift]

    def _of_fault(self, drift: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the alert on distances; it resolves as soon as they are mended."""
        if self._broke_at is None or not self.sees_fault:
            return []
        cause = {"kind": "unit_change", "column": "distance", "detail": "in kilometres", "factor": 1.609}
        over = to_text(self.now) if self.factor() == 1.0 else None
        diagnosis = {"class": "data_fault", "causes": [cause]}
        times = {"started_at": to_text(self._broke_at), "resolved_at": over}
        return [{**drift, **times, "id": "al_2", "columns": ["distance"], "diagnosis": diagnosis}]

    def actions(self) -> Sequence[dict[str, Any]]:
        """Return the action, as the job has reported on it."""
        if self.fires_at is None or self.now < self.fires_at:
            return []
        steps = [step for step, _, _ in self.desk.calls if step != "rows"]
        status = (steps or ["requested"])[-1] if self.asked else "withheld"
        recovery = {"status": "recovered", "text": "Retraining finished."} if status == "succeeded" else None
        first = {"id": ACTION, "alert": "al_1", "status": status, "why": "too_few_targets", "recovery": recovery}
        second = {"id": "ac_2", "alert": "al_2", "status": "withheld", "why": "data_fault", "recovery": None}
        return [*([second] if self._broke_at is not None and self.sees_fault else []), first]

    def deliveries(self) -> Sequence[dict[str, Any]]:
        """Return the one delivery."""
        return [{"message_id": "evt_1", "receiver": "retrain-job", "status": "delivered", "attempts": 1}]

    def scored(self, version: str) -> dict[str, Any] | None:
        """Return what is known of the first day."""
        scores = [{"metric": "roc_auc", "realised": {"value": 0.69, "lower": 0.65, "upper": 0.73}}]
        return {"window": f"shop~{version}~20130401T000000Z~20130402T000000Z", "performance": scores}

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def post(url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """Send a message."""
    return httpx.post(url, content=body, headers=headers)
