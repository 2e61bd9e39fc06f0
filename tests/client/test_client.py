from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.client import Client

MODEL = "coffee"


class Receiver:
    """A real server that answers as it is told; ``got`` holds the lines of every request by its path's end."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[str, list[dict[str, Any]]]] = []
        self.most_lines = 10**9
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Take a batch."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        lines = [json.loads(line) for line in body.splitlines()]
        status = self.statuses.pop(0) if self.statuses else 202
        status = 413 if len(lines) > self.most_lines else status
        if status == 202:
            self.got.append((handler.path.rpartition("/")[2], lines))
        answer = json.dumps({"accepted": len(lines), "rejected": []}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return all records that were taken."""
        return [line for role, lines in self.got if role == "records" for line in lines]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a server that runs."""
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_what_is_logged_arrives_in_order_with_an_id_and_a_time(receiver: Receiver) -> None:
    """Records come as they were called for; those without an id or a time are given one, and it is returned."""
    client = Client(receiver.url, MODEL, batch=3)
    ids = [client.record({"inputs": {"n": n}, "prediction": n}) for n in range(7)]
    client.close()
    assert [record["inputs"]["n"] for record in receiver.records] == list(range(7))
    assert [record["request_id"] for record in receiver.records] == ids
    assert all(record["timestamp"].endswith("+00:00") for record in receiver.records)
    assert client.counts.sent == 7


@pytest.mark.parametrize("time", [1700000000, "2026-01-05T10:00:00Z"])
def test_a_time_and_an_id_of_ones_own_are_kept(receiver: Receiver, time: object) -> None:
    """Whoever stamps records keeps the stamps."""
    client = Client(receiver.url, MODEL)
    assert client.record({"request_id": "a", "timestamp": time}) == "a"
    client.close()
    assert receiver.records == [{"request_id": "a", "timestamp": time}]


def test_a_target_is_sent_to_targets(receiver: Receiver) -> None:
    """A target names the record that it is of."""
    client = Client(receiver.url, MODEL)
    client.target("8f1c", 31.5)
    client.close()
    (role, (line,)) = receiver.got[0]
    assert (role, line["request_id"], line["target"]) == ("targets", "8f1c", 31.5)


def test_values_of_numpy_are_sent_as_numbers(receiver: Receiver) -> None:
    """What models give is taken as it is."""
    client = Client(receiver.url, MODEL)
    client.record({"inputs": {"x": np.float32(0.5), "v": np.array([1, 2])}, "prediction": np.int64(3)})
    client.close()
    assert receiver.records[0]["inputs"] == {"x": 0.5, "v": [1, 2]}


def test_what_json_cannot_say_is_counted_and_raises_nothing(receiver: Receiver) -> None:
    """The server that calls goes on."""
    client = Client(receiver.url, MODEL)
    client.record({"inputs": {"x": object()}})
    client.record(41)  # type: ignore[arg-type]
    client.close()
    assert (client.counts.unreadable, receiver.got) == (2, [])


def test_what_changes_after_the_call_is_sent_as_it_was(receiver: Receiver) -> None:
    """A server may use its inputs again."""
    client = Client(receiver.url, MODEL, every=60)
    inputs = {"x": 1}
    client.record({"inputs": inputs})
    inputs["x"] = 2
    client.close()
    assert receiver.records[0]["inputs"] == {"x": 1}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_batch_that_was_put_off_is_sent_again(receiver: Receiver, status: int) -> None:
    """Nothing is lost, and the ids stay the same."""
    receiver.statuses = [status, status]
    client = Client(receiver.url, MODEL)
    id_ = client.record({"prediction": 1})
    assert client.flush(10)
    assert [record["request_id"] for record in receiver.records] == [id_]


@pytest.mark.parametrize("status", [400, 404, 415, 422])
def test_a_batch_that_was_refused_is_counted_and_not_sent_again(receiver: Receiver, status: int) -> None:
    """What will never be taken does not stand in the way."""
    receiver.statuses = [status]
    client = Client(receiver.url, MODEL)
    client.record({"prediction": 1})
    client.close()
    assert (client.counts.refused, client.counts.sent, receiver.got) == (1, 0, [])


def test_a_batch_that_is_too_large_is_sent_in_halves(receiver: Receiver) -> None:
    """All of it arrives once, in order."""
    receiver.most_lines = 2
    client = Client(receiver.url, MODEL)
    for n in range(7):
        client.record({"prediction": n})
    client.close()
    assert [record["prediction"] for record in receiver.records] == list(range(7))


def test_what_does_not_fit_is_dropped_and_counted(receiver: Receiver) -> None:
    """Memory is bounded while Driftline is away."""
    receiver.statuses = [503] * 1000
    client = Client(receiver.url, MODEL, most_waiting=10, batch=1000, every=60)
    taken = [client.record({"prediction": n}) is not None for n in range(15)]
    assert (sum(taken), client.counts.dropped) == (10, 5)
    client.close(0.1)
    assert client.counts.dropped == 15


def test_what_was_spooled_is_sent_first_by_the_next_process(receiver: Receiver, tmp_path: Path) -> None:
    """A server that ends while Driftline is away leaves its batches, which come before newer ones."""
    receiver.statuses = [503] * 2
    away = Client(receiver.url, MODEL, spool=tmp_path / "spool")
    away.record({"prediction": 1})
    away.close(0.5)
    receiver.statuses = []
    back = Client(receiver.url, MODEL, spool=tmp_path / "spool")
    back.record({"prediction": 2})
    back.close()
    assert [record["prediction"] for record in receiver.records] == [1, 2]
    assert not list((tmp_path / "spool").iterdir())
    assert (away.counts.spooled, away.counts.dropped) == (1, 0)


def test_a_full_spool_takes_no_more(receiver: Receiver, tmp_path: Path) -> None:
    """The disk is bounded, and what is not taken is dropped and counted at the end."""
    receiver.statuses = [503] * 1000
    client = Client(receiver.url, MODEL, spool=tmp_path, spool_bytes=10)
    client.record({"prediction": 1})
    client.close(0.2)
    assert (client.counts.spooled, client.counts.dropped, list(tmp_path.iterdir())) == (0, 1, [])


def test_a_child_that_was_forked_sends_what_it_logs(receiver: Receiver) -> None:
    """A server that forks after it made its client has one that works in each child, and nothing comes twice."""
    client = Client(receiver.url, MODEL, every=60)
    client.record({"prediction": 1})
    child = os.fork()
    if child == 0:
        client.record({"prediction": 2})
        client.close()
        os._exit(0)
    os.waitpid(child, 0)
    client.close()
    assert sorted(record["prediction"] for record in receiver.records) == [1, 2]


def test_a_program_that_ends_sends_what_waits(receiver: Receiver) -> None:
    """Nobody has to close the client."""
    program = (
        f"from monitor.client import Client\nClient({receiver.url!r}, {MODEL!r}, every=60).record({{'prediction': 1}})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert [record["prediction"] for record in receiver.records] == [1]


def test_importing_it_loads_the_standard_library_alone() -> None:
    """A model server pays for no library that it does not use."""
    program = (
        "import sys, monitor.client; print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    found = subprocess.run(
        [sys.executable, "-S", "-c", program], check=True, capture_output=True, text=True, timeout=30
    )
    assert set(found.stdout.split()) <= {"monitor", "__main__", "sitecustomize", "usercustomize"}


def test_threads_together_have_no_more_waiting_than_allowed() -> None:
    """However many threads log at once, what waits is bounded exactly, and every other record is counted as dropped."""
    client = Client("http://127.0.0.1:9", MODEL, most_waiting=50, batch=10**6, every=60)
    start, before = threading.Barrier(8), sys.getswitchinterval()

    def log() -> None:
        start.wait()
        for n in range(500):
            client.record({"prediction": n})

    threads = [threading.Thread(target=log) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert client.counts.dropped == 8 * 500 - 50
    client.close(0)
    assert client.counts.dropped == 8 * 500
