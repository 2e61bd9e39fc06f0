from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from standardwebhooks import Webhook

from monitor.demo.data import FEATURES
from monitor.demo.job import RetrainingJob, read_request
from monitor.demo.retraining import LEAST_ROWS, Retrained

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
ACTION = "ac_7m2p4t6x5zq3ks5vwy2rnb6djc"
WAIT_SECONDS = 60.0


@dataclass
class Daemon:
    """A tiny monitor: it gives rows to whoever has the token, and writes down what is reported."""

    rows: bytes
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def _daemon(rows: bytes) -> Iterator[Daemon]:
    daemon = Daemon(rows)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(daemon.rows)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(b"{}", json.loads(body))

        def _answer(self, content: bytes, body: Any = None) -> None:
            daemon.calls.append((self.path.rpartition("/")[2], self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    daemon.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1/actions/{ACTION}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield daemon
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _event(base: str, **action: Any) -> bytes:
    asked = {"id": ACTION, "kind": "retrain", "status": "requested", "why": "gate_open", "fence": 1}
    callback = {"url": base, "token": "t0ken"}
    data = {"action": {**asked, "callback": callback, **action}, "links": {"rows": f"{base}/rows"}}
    return json.dumps({"specversion": "1.0", "type": "io.driftline.action.requested", "data": data}).encode()


def _signed(body: bytes, secret: str = SECRET, id_: str = "evt_1", age: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, body.decode()),
        "Content-Type": "application/cloudevents+json",
    }


def _parquet(rows: pa.Table, directory: Path) -> bytes:
    """Return rows as the monitor hands them out: flat names, targets where known."""
    columns = {"timestamp": rows["timestamp"].cast(pa.timestamp("us", "UTC")), "request_id": rows["request_id"]}
    columns |= {f"inputs.{name}": rows[name] for name in FEATURES}
    pq.write_table(pa.table({**columns, "target": rows["late"]}), directory / "out.parquet")
    return (directory / "out.parquet").read_bytes()


@pytest.fixture
def deployed() -> list[Retrained]:
    """Return what the job has deployed, in order."""
    return []


@pytest.fixture
def job(tmp_path: Path, deployed: list[Retrained]) -> Iterator[RetrainingJob]:
    """Run a job."""
    with RetrainingJob(SECRET, tmp_path, deployed.append) as running:
        yield running


def _post(job: RetrainingJob, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(job.url, content=body, headers=headers)


def test_a_retraining_is_carried_out_and_reported(
    job: RetrainingJob, deployed: list[Retrained], january: pa.Table, tmp_path: Path
) -> None:
    """Started, rows fetched, version 2 deployed, succeeded: each call with the action's own token."""
    with _daemon(_parquet(january.slice(0, 8_000), tmp_path)) as daemon:
        body = _event(daemon.url)
        answer = _post(job, body, _signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    known = 8_000 - january.slice(0, 8_000)["late"].null_count
    assert answer.status_code == 202
    assert daemon.calls == [
        ("started", "Bearer t0ken", {}),
        ("rows", "Bearer t0ken", None),
        ("succeeded", "Bearer t0ken", {"version": "2", "rows": known}),
    ]
    assert [retrained.model.version for retrained in deployed] == ["2"]


def test_a_new_version_comes_with_its_own_reference(job: RetrainingJob, january: pa.Table, tmp_path: Path) -> None:
    """The reference of version 2 holds every row that was pointed to, also those without an outcome."""
    with _daemon(_parquet(january.slice(0, 8_000), tmp_path)) as daemon:
        body = _event(daemon.url)
        _post(job, body, _signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    written = pq.read_table(tmp_path / "references" / "2.parquet")
    assert written["request_id"].to_pylist() == january.slice(0, 8_000)["request_id"].to_pylist()
    assert set(written["model_version"].to_pylist()) == {"2"}


def test_too_few_rows_are_reported_as_failed(
    job: RetrainingJob, deployed: list[Retrained], january: pa.Table, tmp_path: Path
) -> None:
    """With too few outcomes nothing is deployed, and the monitor is told how many there were."""
    with _daemon(_parquet(january.slice(0, 100), tmp_path)) as daemon:
        body = _event(daemon.url)
        _post(job, body, _signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    step, _, report = daemon.calls[-1]
    assert step == "failed"
    assert f"{LEAST_ROWS} are needed" in report["why"]
    assert deployed == []


def test_rows_that_are_no_parquet_are_reported_as_failed(job: RetrainingJob, deployed: list[Retrained]) -> None:
    """Whatever the monitor hands out, the job says what is wrong with it and lives on."""
    with _daemon(b"not parquet") as daemon:
        body = _event(daemon.url)
        _post(job, body, _signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    assert daemon.calls[-1][0] == "failed"
    assert deployed == []


def test_a_monitor_that_is_gone_does_not_end_the_job(job: RetrainingJob, deployed: list[Retrained]) -> None:
    """A callback that leads nowhere is remembered as the reason; the next webhook is taken all the same."""
    with _daemon(b"") as gone:
        pass
    body = _event(gone.url)
    _post(job, body, _signed(body))
    received = job.of_action(ACTION)
    assert received is not None
    assert received.done.wait(WAIT_SECONDS)
    assert received.why is not None
    assert _post(job, body, _signed(body, id_="evt_2")).status_code == 202
    assert deployed == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"webhook-signature": "v1,AAAA"}, id="wrong signature"),
        pytest.param({"webhook-signature": "v1"}, id="no signature to read"),
        pytest.param({"webhook-signature": "v1,é".encode().decode("latin-1")}, id="not base64"),
        pytest.param({"webhook-timestamp": "soon"}, id="no timestamp to read"),
        pytest.param({"webhook-id": "evt_2"}, id="another id"),
        pytest.param({"webhook-id": ""}, id="no id"),
    ],
)
def test_what_is_not_signed_is_refused(job: RetrainingJob, headers: dict[str, str]) -> None:
    """Without a signature over just this id, instant and body the job does nothing."""
    body = _event("http://127.0.0.1:9/api")
    answer = httpx.post(job.url, content=body, headers=httpx.Headers({**_signed(body), **headers}, encoding="utf-8"))
    assert (answer.status_code, answer.json()) == (401, {"error": "signature_invalid"})
    assert job.of_action(ACTION) is None


def test_a_changed_body_is_refused(job: RetrainingJob) -> None:
    """One byte changed after signing is enough."""
    body = _event("http://127.0.0.1:9/api")
    assert _post(job, body.replace(b"t0ken", b"t1ken"), _signed(body)).status_code == 401


def test_another_secret_is_refused(job: RetrainingJob) -> None:
    """A signature by a key that is not shared counts for nothing."""
    body = _event("http://127.0.0.1:9/api")
    assert _post(job, body, _signed(body, OTHER)).status_code == 401


def test_an_old_message_is_refused(job: RetrainingJob) -> None:
    """A message signed an hour ago may be a recording."""
    body = _event("http://127.0.0.1:9/api")
    assert _post(job, body, _signed(body, age=timedelta(hours=1))).status_code == 401


def test_a_repeated_message_is_not_obeyed_twice(job: RetrainingJob, january: pa.Table, tmp_path: Path) -> None:
    """The second delivery of one id is answered 200 and starts nothing."""
    with _daemon(_parquet(january.slice(0, 10), tmp_path)) as daemon:
        body = _event(daemon.url)
        _post(job, body, _signed(body))
        again = _post(job, body, _signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    assert (again.status_code, again.json()) == (200, {"duplicate": True})
    assert [step for step, _, _ in daemon.calls] == ["started", "rows", "failed"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"io.driftline.test","data":{}}',
        b'{"type":"io.driftline.action.requested","data":{"action":null,"links":{"rows":null}}}',
        b'{"type":"io.driftline.action.requested"}',
        b"[]",
        _event("http://127.0.0.1:9/api", status="withheld"),
        _event("http://127.0.0.1:9/api", kind="rollback"),
        _event("http://127.0.0.1:9/api", callback={"url": None, "token": None}),
    ],
)
def test_other_messages_are_heard_and_left(job: RetrainingJob, body: bytes) -> None:
    """A signed message that asks for no retraining is answered 200, so that it is not sent again."""
    answer = _post(job, body, _signed(body))
    assert (answer.status_code, answer.json()) == (200, {"ignored": True})
    assert job.of_action(ACTION) is None


def test_another_path_is_not_found(job: RetrainingJob) -> None:
    """The job listens on one path."""
    assert httpx.post(job.url + "/other", content=b"").status_code == 404


def test_an_endless_body_is_not_read(job: RetrainingJob) -> None:
    """A body beyond what a notification may have is refused by its length."""
    assert httpx.post(job.url, content=b"x" * 64_001).status_code == 413


def test_an_event_says_where_to_report() -> None:
    """Rows, callback and token are read off the message."""
    request = read_request(json.loads(_event("http://127.0.0.1:10464/api/v1/actions/ac_1")))
    assert request is not None
    assert request.callback == "http://127.0.0.1:10464/api/v1/actions/ac_1"
    assert request.rows == "http://127.0.0.1:10464/api/v1/actions/ac_1/rows"
    assert request.token == "t0ken"
