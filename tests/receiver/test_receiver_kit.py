"""The kit for the job that a message starts: what it believes, what it does twice, and how it reports."""

from __future__ import annotations

import base64
import io
import json
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from standardwebhooks import Webhook

from monitor.notification import MessageType
from monitor.receiver import (
    CallFailed,
    CallRefused,
    Job,
    JobIncomplete,
    NotVerified,
    Patience,
    Seen,
    Trained,
    job_of,
    verify,
)
from monitor.receiver.__main__ import main
from tests.receivers.dialect_samples import sample
from tests.scripted_http import Handler, ScriptedServer, answer, hang_up, raw, scripted

SECRET = "whsec_" + base64.b64encode(b"secretcanary-0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"othercanary-0123456789abcdefg").decode()
NOW = 1_795_298_400
HASTY = Patience(timeout_seconds=5, waits_seconds=(0.0, 0.0))
CLOSED = json.dumps({"code": "action_closed", "detail": "the action is succeeded already"}).encode()


def signed(body: bytes, message_id: str, secret: str = SECRET) -> dict[str, str]:
    """Return the headers that the standard's own library makes."""
    made = Webhook(secret).sign(message_id, datetime.fromtimestamp(NOW, UTC), body.decode())
    return {"Webhook-Id": message_id, "Webhook-Timestamp": str(NOW), "Webhook-Signature": made}


def message() -> tuple[bytes, dict[str, str]]:
    """Return the message that asks for a job, as it is sent."""
    message_id, body = sample(MessageType.ACTION)
    return body, signed(body, message_id)


def job(server: ScriptedServer | None = None) -> Job:
    """Return the job of the message, told to report to a scripted server."""
    base = f"http://127.0.0.1:{server.port}" if server else "http://127.0.0.1:9"
    found = job_of(json.loads(sample(MessageType.ACTION)[1]))
    assert found is not None
    return replace(found, callback_url=f"{base}/api/v1/actions/ac_a", rows_url=f"{base}/rows", patience=HASTY)


def test_what_the_standard_signs_is_believed() -> None:
    """A message signed by the standard's library is returned as its event, whichever of the two secrets signed."""
    body, headers = message()
    assert verify(body, headers, [OTHER, SECRET], now=NOW) == json.loads(body)


def test_a_message_with_two_signatures_is_believed() -> None:
    """While the secret changes a message has a signature of each, and one that is known is enough."""
    body, headers = message()
    other = signed(body, headers["Webhook-Id"], OTHER)["Webhook-Signature"]
    both = headers | {"Webhook-Signature": f"{other} {headers['Webhook-Signature']}"}
    assert verify(body, both, SECRET, now=NOW)["type"] == "io.driftline.action.requested"


def test_the_signature_is_that_of_an_example_computed_elsewhere() -> None:
    """A signature that was written down once holds; what fails then is that this body is no CloudEvent with an id."""
    headers = {
        "webhook-id": "msg_01JD8Z3V5W",
        "webhook-timestamp": "1795298400",
        "webhook-signature": "v1,vEOkU2EwaQ/uPezaguddiaWNr7+1nAuPUHsfD+O70+s=",
    }
    body = b'{"type":"drift.detected","timestamp":"2026-11-21T22:00:00Z","data":{"model":"churn"}}'
    with pytest.raises(NotVerified) as caught:
        verify(body, headers, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", now=NOW)
    assert caught.value.reason == "not_an_event"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Webhook-Id": "evt_other"}, "signature_wrong"),
        ({"Webhook-Timestamp": str(NOW + 1)}, "signature_wrong"),
        ({"Webhook-Signature": "v1,"}, "signature_wrong"),
        ({"Webhook-Signature": "v2,x \u00e9"}, "signature_wrong"),
        ({"Webhook-Timestamp": "soon"}, "timestamp_out_of_range"),
        ({"Webhook-Timestamp": "9" * 5000}, "timestamp_out_of_range"),
        ({"Webhook-Signature": ""}, "headers_missing"),
        ({"Webhook-Id": ""}, "headers_missing"),
    ],
)
def test_changed_headers_are_refused(changed: dict[str, str], reason: str) -> None:
    """A header that was changed or taken away is answered with its reason."""
    body, headers = message()
    with pytest.raises(NotVerified) as caught:
        verify(body, headers | changed, SECRET, now=NOW)
    assert caught.value.reason == reason


def test_a_changed_body_is_refused() -> None:
    """One byte more, and the signature does not hold."""
    body, headers = message()
    with pytest.raises(NotVerified, match="no signature"):
        verify(body + b" ", headers, SECRET, now=NOW)


@pytest.mark.parametrize("late", [-301, 301])
def test_a_message_of_another_time_is_refused(late: int) -> None:
    """What was signed more than five minutes ago, or is to be signed then, may be a repeat by somebody else."""
    body, headers = message()
    with pytest.raises(NotVerified) as caught:
        verify(body, headers, SECRET, now=NOW + late)
    assert caught.value.reason == "timestamp_out_of_range"


@pytest.mark.parametrize("secret", ["", [], "whsec_", "whsec_ü", "not base64!"])
def test_a_secret_that_is_none_is_no_refusal_of_the_message(secret: Any) -> None:
    """Without a secret nothing is believed, and the fault is the receiver's."""
    body, headers = message()
    with pytest.raises(ValueError, match="secret"):
        verify(body, headers, secret, now=NOW)


@pytest.mark.parametrize("kind", [MessageType.FIRING, MessageType.RESOLVED, MessageType.TEST])
def test_alerts_and_tests_ask_for_no_job(kind: MessageType) -> None:
    """Only a requested action is a job."""
    assert job_of(json.loads(sample(kind)[1])) is None


def test_an_id_is_new_once(tmp_path: Path) -> None:
    """What was dealt with is known to a second process, and after a restart."""
    told = []
    for _ in range(2):
        with Seen(tmp_path / "seen.db").once("evt_a") as is_new:
            told.append(is_new)
    assert told == [True, False]


def test_what_failed_is_new_again(tmp_path: Path) -> None:
    """An exception in the block leaves the message to be dealt with when it comes again."""
    seen = Seen(tmp_path / "seen.db")
    with suppress(RuntimeError), seen.once("evt_a"):
        raise RuntimeError
    with seen.once("evt_a") as is_new:
        assert is_new


def test_a_death_in_the_block_leaves_the_message_new(tmp_path: Path) -> None:
    """A process that dies while it deals with a message has not dealt with it, and leaves no lock behind."""
    program = "import os, sys; from monitor.receiver import Seen\nwith Seen(sys.argv[1]).once('evt_a'): os._exit(9)"
    path = tmp_path / "seen.db"
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 9
    with Seen(path).once("evt_a") as is_new:
        assert is_new


def test_two_at_once_are_one(tmp_path: Path) -> None:
    """Of the same message in eight threads at once one deals with it."""
    seen, told = Seen(tmp_path / "seen.db"), []
    together = threading.Barrier(8)

    def deal() -> None:
        together.wait(5)
        with seen.once("evt_a") as is_new:
            told.append(is_new)

    threads = [threading.Thread(target=deal) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(told) == [False] * 7 + [True]


@pytest.mark.parametrize("trouble", [answer(503), answer(429), hang_up, raw(b"nonsense\r\n\r\n")])
def test_a_report_is_repeated_until_it_is_taken(trouble: Handler) -> None:
    """A daemon that restarts, or a connection that breaks, costs no report."""
    with scripted(trouble, answer(200, body=b"{}")) as server:
        job(server).succeeded("2", 41200)
    assert [request.line for request in server.requests] == ["POST /api/v1/actions/ac_a/succeeded HTTP/1.1"] * 2
    assert json.loads(server.requests[1].body) == {"version": "2", "rows": 41200}
    assert server.requests[1].headers["authorization"] == "Bearer t0k3n"


def test_a_report_that_was_taken_unheard_is_taken() -> None:
    """Where an answer was lost, "the action has ended already" says that the report arrived."""
    with scripted(hang_up, answer(409, body=CLOSED)) as server:
        job(server).succeeded("2")
    assert server.connections == 2


@pytest.mark.parametrize("before", [[], [answer(503)]])
def test_an_action_that_has_ended_is_not_begun(before: list[Handler]) -> None:
    """A refusal whose report cannot have arrived before is one, and says why."""
    with scripted(*before, answer(409, body=CLOSED)) as server, pytest.raises(CallRefused) as caught:
        job(server).started()
    assert (caught.value.code, caught.value.status) == ("action_closed", 409)


def test_a_daemon_that_is_away_is_told_of() -> None:
    """When patience ends the address stands in the error, and the token does not."""
    with pytest.raises(CallFailed, match=r"127\.0\.0\.1:9 gave no answer: ConnectionRefusedError") as caught:
        job().failed("too few rows")
    assert "t0k3n" not in str(caught.value)


def test_no_redirect_is_told_the_token() -> None:
    """A redirect is a refusal; where it leads nobody asks."""
    with scripted(answer(200)) as other:
        where = f"Location: http://127.0.0.1:{other.port}/"
        with scripted(answer(307, where)) as server, pytest.raises(CallRefused, match="HTTP 307 http_307"):
            job(server).started()
    assert other.connections == 0


def test_a_file_is_no_address() -> None:
    """A callback that is no address of HTTP is not opened."""
    with pytest.raises(ValueError, match="http://"):
        replace(job(), callback_url="file:///etc/hostname").started()


def parquet(rows: int) -> bytes:
    """Return a Parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.table({"target": [1] * rows}), file)
    return file.getvalue()


def test_rows_come_whole(tmp_path: Path) -> None:
    """A download that breaks off is begun anew, and nothing partial is left."""
    content = parquet(1000)
    broken = raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content[:100])
    with scripted(broken, answer(200, body=content)) as server:
        path = job(server).download(tmp_path / "rows.parquet")
    assert (path.read_bytes(), [*tmp_path.iterdir()]) == (content, [path])


def test_rows_as_a_table() -> None:
    """What is asked for as a table is one."""
    with scripted(answer(200, body=parquet(7))) as server:
        assert job(server).table().num_rows == 7


def test_rows_that_were_not_kept_are_told_of(tmp_path: Path) -> None:
    """Without kept rows there is no file."""
    problem = json.dumps({"code": "no_rows", "detail": "no rows were kept of that time"}).encode()
    with scripted(answer(404, body=problem)) as server, pytest.raises(CallRefused, match="no rows were kept"):
        job(server).download(tmp_path / "rows.parquet")
    assert [*tmp_path.iterdir()] == []


def test_a_run_reports_its_start_and_its_end() -> None:
    """What the work returns is reported."""
    with scripted(answer(200)) as server:
        job(server).run(lambda _: Trained("2", 5))
    assert [request.line.split()[1].rpartition("/")[2] for request in server.requests] == ["started", "succeeded"]


def test_a_run_that_raises_reports_that_it_failed() -> None:
    """Of an exception its kind is told, and nothing that it says; the caller gets it."""

    def work(_: Job) -> Trained:
        raise KeyError("ann@example.com")

    with scripted(answer(200)) as server, pytest.raises(KeyError):
        job(server).run(work)
    assert json.loads(server.requests[1].body) == {"why": "the job ended with KeyError"}


def test_a_saved_job_is_its_owner_s(tmp_path: Path) -> None:
    """A job survives in a file that nobody else may read; its token is in no text of it."""
    path = tmp_path / "job.json"
    job().save(path)
    assert Job.load(path) == replace(job(), patience=Patience())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "t0k3n" not in repr(job())


def test_what_is_missing_is_named() -> None:
    """A job started without Driftline's parameters says which variables it lacks."""
    with pytest.raises(JobIncomplete, match="no DRIFTLINE_CALLBACK, no DRIFTLINE_CALLBACK_TOKEN in the environment"):
        Job.from_environment({"DRIFTLINE_MODEL": "churn", "DRIFTLINE_ACTION": "ac_a"})


def test_a_shell_reports(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A step of a shell reports with what stands in variables, and is told of a refusal by its exit code."""
    with scripted(answer(200), answer(409, body=CLOSED)) as server:
        told = job(server).parameters()
        for name, variable in (("model", "MODEL"), ("action_id", "ACTION"), ("callback_url", "CALLBACK")):
            monkeypatch.setenv(f"DRIFTLINE_{variable}", told[name])
        lacking = main(["started"])
        monkeypatch.setenv("DRIFTLINE_CALLBACK_TOKEN", told["callback_token"])
        codes = [main(["succeeded", "--version", "2"]), main(["failed", "no rows"])]
    assert (lacking, codes) == (2, [0, 3])
    said = capsys.readouterr().err
    assert "no DRIFTLINE_CALLBACK_TOKEN" in said
    assert "the action is succeeded already" in said


def test_the_kit_loads_the_standard_library_alone() -> None:
    """Importing the kit loads no library: a job's image needs the package without what it depends on."""
    program = (
        "import sys, monitor.receiver; print(*{n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names)"
    )
    found = subprocess.run([sys.executable, "-S", "-c", program], check=True, capture_output=True, text=True)
    assert set(found.stdout.split()) <= {"monitor", "__main__", "sitecustomize", "usercustomize"}
