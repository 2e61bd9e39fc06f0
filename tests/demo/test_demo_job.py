from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.demo.job import RetrainingJob, read_request
from monitor.demo.retraining import LEAST_ROWS, Retrained
from tests.demo.playing import ACTION, SECRET, desk, event, parquet, post, signed

OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
WAIT_SECONDS = 60.0


@pytest.fixture
def deployed() -> list[Retrained]:
    """Return what the job has deployed, in order."""
    return []


@pytest.fixture
def job(tmp_path: Path, deployed: list[Retrained]) -> Iterator[RetrainingJob]:
    """Run a job."""
    with RetrainingJob(SECRET, tmp_path, deployed.append) as running:
        yield running


def test_a_retraining_is_carried_out_and_reported(
    job: RetrainingJob, deployed: list[Retrained], january: pa.Table, tmp_path: Path
) -> None:
    """Started, rows fetched, version 2 deployed, succeeded: each call with the action's own token."""
    with desk(parquet(january.slice(0, 8_000), tmp_path)) as opened:
        body = event(opened.url)
        answer = post(job.url, body, signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    known = 8_000 - january.slice(0, 8_000)["late"].null_count
    assert answer.status_code == 202
    assert opened.calls == [
        ("started", "Bearer t0ken", {}),
        ("rows", "Bearer t0ken", None),
        ("succeeded", "Bearer t0ken", {"version": "2", "rows": known}),
    ]
    assert [retrained.model.version for retrained in deployed] == ["2"]


def test_a_new_version_comes_with_its_own_reference(job: RetrainingJob, january: pa.Table, tmp_path: Path) -> None:
    """The reference of version 2 holds every row that was pointed to, also those without an outcome."""
    with desk(parquet(january.slice(0, 8_000), tmp_path)) as opened:
        body = event(opened.url)
        post(job.url, body, signed(body))
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
    with desk(parquet(january.slice(0, 100), tmp_path)) as opened:
        body = event(opened.url)
        post(job.url, body, signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    step, _, report = opened.calls[-1]
    assert step == "failed"
    assert f"{LEAST_ROWS} are needed" in report["why"]
    assert deployed == []


def test_rows_that_are_no_parquet_are_reported_as_failed(job: RetrainingJob, deployed: list[Retrained]) -> None:
    """Whatever the monitor hands out, the job says what is wrong with it and lives on."""
    with desk(b"not parquet") as opened:
        body = event(opened.url)
        post(job.url, body, signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    assert opened.calls[-1][0] == "failed"
    assert deployed == []


def test_a_monitor_that_is_gone_does_not_end_the_job(job: RetrainingJob, deployed: list[Retrained]) -> None:
    """A callback that leads nowhere is remembered as the reason; the next webhook is taken all the same."""
    with desk(b"") as gone:
        pass
    body = event(gone.url)
    post(job.url, body, signed(body))
    received = job.of_action(ACTION)
    assert received is not None
    assert received.done.wait(WAIT_SECONDS)
    assert received.why is not None
    assert post(job.url, body, signed(body, id_="evt_2")).status_code == 202
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
    body = event("http://127.0.0.1:9/api")
    answer = httpx.post(job.url, content=body, headers=httpx.Headers({**signed(body), **headers}, encoding="utf-8"))
    assert (answer.status_code, answer.json()) == (401, {"error": "signature_invalid"})
    assert job.of_action(ACTION) is None


def test_a_changed_body_is_refused(job: RetrainingJob) -> None:
    """One byte changed after signing is enough."""
    body = event("http://127.0.0.1:9/api")
    assert post(job.url, body.replace(b"t0ken", b"t1ken"), signed(body)).status_code == 401


def test_another_secret_is_refused(job: RetrainingJob) -> None:
    """A signature by a key that is not shared counts for nothing."""
    body = event("http://127.0.0.1:9/api")
    assert post(job.url, body, signed(body, OTHER)).status_code == 401


def test_an_old_message_is_refused(job: RetrainingJob) -> None:
    """A message signed an hour ago may be a recording."""
    body = event("http://127.0.0.1:9/api")
    assert post(job.url, body, signed(body, age=timedelta(hours=1))).status_code == 401


def test_a_repeated_message_is_not_obeyed_twice(job: RetrainingJob, january: pa.Table, tmp_path: Path) -> None:
    """The second delivery of one id is answered 200 and starts nothing."""
    with desk(parquet(january.slice(0, 10), tmp_path)) as opened:
        body = event(opened.url)
        post(job.url, body, signed(body))
        again = post(job.url, body, signed(body))
        received = job.of_action(ACTION)
        assert received is not None
        assert received.done.wait(WAIT_SECONDS)
    assert (again.status_code, again.json()) == (200, {"duplicate": True})
    assert [step for step, _, _ in opened.calls] == ["started", "rows", "failed"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"io.driftline.test","data":{}}',
        b'{"type":"io.driftline.action.requested","data":{"action":null,"links":{"rows":null}}}',
        b'{"type":"io.driftline.action.requested"}',
        b"[]",
        event("http://127.0.0.1:9/api", status="withheld"),
        event("http://127.0.0.1:9/api", kind="rollback"),
        event("http://127.0.0.1:9/api", callback={"url": None, "token": None}),
    ],
)
def test_other_messages_are_heard_and_left(job: RetrainingJob, body: bytes) -> None:
    """A signed message that asks for no retraining is answered 200, so that it is not sent again."""
    answer = post(job.url, body, signed(body))
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
    request = read_request(json.loads(event("http://127.0.0.1:10464/api/v1/actions/ac_1")))
    assert request is not None
    assert request.callback == "http://127.0.0.1:10464/api/v1/actions/ac_1"
    assert request.rows == "http://127.0.0.1:10464/api/v1/actions/ac_1/rows"
    assert request.token == "t0ken"
