"""The retraining job: a small HTTP server that takes the monitor's webhook, retrains, deploys and reports.

What any receiver of these webhooks should do is all here: check the signature before anything is read, answer
at once and work afterwards, do nothing twice for one ``webhook-id``, and report the end in either case.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.demo.retraining import Retrained, RowsUnusable, retrain

PATH: Final = "/retrain"
ACTION_REQUESTED: Final = "io.driftline.action.requested"
_BODY_BYTES: Final = 64_000
_SECONDS: Final = 30.0
_CONNECTION_TRIES: Final = 2
_ROWS_BYTES: Final = 512 * 2**20


@dataclass(slots=True)
class Received:
    """One webhook whose signature holds.

    Attributes
    ----------
    action_id: of the retraining that it asks for; ``None`` if it says something else.
    times: how often it came; only the first counts.
    outcome: what became of the retraining.
    why: of a retraining that failed.
    """

    id: str
    action_id: str | None
    times: int = 1
    outcome: Retrained | None = None
    why: str | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Request:
    """A retraining that is asked for: where its rows are, and where and with which token to report."""

    action_id: str
    rows: str
    callback: str
    token: str


class RetrainingJob:
    """Listens on loopback; one thread answers, another works.

    Parameters
    ----------
    secret: the Standard Webhooks secret shared with the monitor, ``whsec_…``.
    directory: where ``references`` and downloaded rows go.
    deploy: called with each new version before the monitor is told of it.
    port: 0 takes a free one.
    """

    def __init__(self, secret: str, directory: Path, deploy: Callable[[Retrained], None], port: int = 0) -> None:
        self._webhook = Webhook(secret)
        self._directory = directory
        self._deploy = deploy
        self._tasks: queue.SimpleQueue[tuple[Received, Request] | None] = queue.SimpleQueue()
        self._received: dict[str, Received] = {}
        self._lock = threading.Lock()
        self._versions = 1
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="retraining-http", daemon=True),
            threading.Thread(target=self._work, name="retraining", daemon=True),
        ]
        self.refused = 0

    @property
    def url(self) -> str:
        """Where the webhook goes."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._tasks.put(None)
        for thread in self._threads:
            thread.join(timeout=_SECONDS)

    def of_action(self, action_id: str) -> Received | None:
        """Return the webhook that asked for an action, or ``None`` if it has not come."""
        with self._lock:
            return next((received for received in self._received.values() if received.action_id == action_id), None)

    def receive(self, body: bytes, headers: dict[str, str]) -> tuple[HTTPStatus, dict[str, Any]]:
        """Take one request; return the answer. Work starts afterwards, in another thread."""
        try:
            event = self._webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):  # ValueError: a header or body that cannot even be parsed
            self.refused += 1
            return HTTPStatus.UNAUTHORIZED, {"error": "signature_invalid"}
        id_ = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        with self._lock:
            if id_ in self._received:
                self._received[id_].times += 1
                return HTTPStatus.OK, {"duplicate": True}
            request = read_request(event)
            received = self._received[id_] = Received(id_, request.action_id if request else None)
        if request is None:
            received.done.set()
            return HTTPStatus.OK, {"ignored": True}
        self._tasks.put((received, request))
        return HTTPStatus.ACCEPTED, {"accepted": True}

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            received, request = task
            try:
                self._retrain(received, request)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                received.why = f"the monitor could not be reached: {type(error).__name__}"
            finally:
                received.done.set()

    def _retrain(self, received: Received, request: Request) -> None:
        """Train on the rows pointed to; only then deploy, and only then report success."""
        headers = {"Authorization": f"Bearer {request.token}"}
        transport = httpx.HTTPTransport(retries=_CONNECTION_TRIES)
        with httpx.Client(headers=headers, timeout=_SECONDS, transport=transport) as client:
            _report(client, request, "started", {})
            version = str(self._versions + 1)
            try:
                rows = _download(client, request.rows, self._directory / f"rows-{version}.parquet")
                outcome = retrain(rows, version, self._directory / "references")
            except RowsUnusable as error:
                received.why = str(error)
                _report(client, request, "failed", {"why": str(error)})
                return
            self._versions += 1
            self._deploy(outcome)
            received.outcome = outcome
            _report(client, request, "succeeded", {"version": version, "rows": outcome.rows})


def read_request(event: Any) -> Request | None:
    """Return the retraining that an event asks for; all else is heard and left."""
    try:
        action, links = event["data"]["action"], event["data"]["links"]
        asked = (event["type"], action["kind"], action["status"])
        given = (action["id"], links["rows"], action["callback"]["url"], action["callback"]["token"])
    except (KeyError, TypeError):
        return None
    wanted = asked == (ACTION_REQUESTED, "retrain", "requested") and all(isinstance(part, str) for part in given)
    return Request(*given) if wanted else None


def _report(client: httpx.Client, request: Request, step: str, body: dict[str, Any]) -> None:
    client.post(f"{request.callback}/{step}", json=body).raise_for_status()


def _download(client: httpx.Client, url: str, path: Path) -> Path:
    """Fetch the rows into a file, within a bound.

    Raises
    ------
    RowsUnusable: there are too many bytes, or the monitor does not give them.
    """
    size = 0
    with client.stream("GET", url) as response, path.open("wb") as file:
        if response.status_code != HTTPStatus.OK:
            raise RowsUnusable(f"the rows were answered with HTTP {response.status_code}")
        for part in response.iter_bytes():
            size += len(part)
            if size > _ROWS_BYTES:
                raise RowsUnusable(f"the rows exceed {_ROWS_BYTES} bytes")
            file.write(part)
    return path


def _handler(job: RetrainingJob) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != PATH:
                self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})
            elif not length.isascii() or not length.isdigit() or int(length) > _BODY_BYTES:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "length_missing_or_too_large"})
            else:
                self._answer(*job.receive(self.rfile.read(int(length)), dict(self.headers.items())))

        def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status is not HTTPStatus.OK and status is not HTTPStatus.ACCEPTED:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: stderr belongs to the screen."""

    return Handler
