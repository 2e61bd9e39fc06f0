"""How fast a daemon takes what is sent to it: batches of NDJSON, and single events of KServe, while windows close.

``python -m benchmarks.http_ingest`` starts a daemon and sends to it from this process, which needs a core of its own.
Records a second are those that were counted into profiles, by a second of the daemon's CPU time, all its threads
together; events are sent at the pace that is promised, and their answers timed here.
``python -m benchmarks.http_ingest 10000000`` sends so many records instead, and compares the memory that the daemon
holds after a tenth of them and after all.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.daemon import start, stop
from benchmarks.harness import Row, report
from monitor.instant import SECOND, to_text

_MODEL, _START = "sent", 1_704_067_200_000_000
_NUMBERS, _TEXTS = [f"n{index}" for index in range(16)], [f"c{index}" for index in range(4)]
_BATCH, _BATCHES, _RECORDS_A_WINDOW = 1_000, 300, 20_000
_EVENTS, _EVENTS_A_SECOND, _SENDERS, _EVENTS_A_WINDOW = 20_000, 2_000, 32, 4_000
_BAR_RECORDS, _BAR_P99_MILLISECONDS = 50_000, 20
_BAR_GROWTH_RATIO = 1.1
_PATIENCE_SECONDS, _PAUSE_SECONDS = 300, 0.2


def rows(first: int, count: int, a_window: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield records, of which so many fall into an hour."""
    rng = np.random.default_rng([seed, first])
    numbers = rng.normal(0, 100, (count, len(_NUMBERS))).round(3).tolist()
    texts = rng.choice(["UA", "AA", "DL", "B6"], (count, len(_TEXTS))).tolist()
    for place in range(count):
        at = _START + (first + place) * 3600 * SECOND // a_window
        inputs = dict(zip([*_NUMBERS, *_TEXTS], [*numbers[place], *texts[place]], strict=True))
        yield {
            "timestamp": to_text(at),
            "request_id": f"{seed}-{first + place}",
            "inputs": inputs,
            "prediction": place % 2,
        }


def prepare(folder: Path, port: int) -> Path:
    """Write a reference and a config; return the config."""
    table = pa.Table.from_pylist(list(rows(0, 20_000, 1_000, seed=0)))
    pq.write_table(table, folder / "reference.parquet")
    model = {
        "name": _MODEL,
        "task": "binary",
        "records": {"type": "http", "capacity": "1GiB"},
        "reference": {"path": "reference.parquet"},
        "columns": {"timestamp": "timestamp"},
    }
    config = folder / "config.yaml"
    config.write_text(json.dumps({"server": {"listen": f"127.0.0.1:{port}"}, "models": [model]}), "utf-8")
    return config


class Asker:
    """Asks the daemon over a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return status and body."""
        self.connection.request(method, path, body, {"Content-Type": "application/x-ndjson"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def counted(self) -> int:
        """Return how many records the daemon has dealt with, and 0 while it starts."""
        try:
            source = json.loads(self.ask("GET", "/api/v1/status")[1])["models"][0]["sources"][0]
        except OSError:
            self.connection.close()
            return 0
        return int(source["accepted"] + source["late"] + sum(source["rejected"].values()))

    def windows(self) -> int:
        """Return how many windows are closed."""
        return len(json.loads(self.ask("GET", f"/api/v1/models/{_MODEL}/windows?limit=1000")[1])["items"])

    def until(self, records: int) -> None:
        """Wait until so many records are counted."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while self.counted() < records:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.counted()} of {records} records were counted")
            time.sleep(_PAUSE_SECONDS)


def spent(process: psutil.Process) -> float:
    """Return the CPU seconds that a process has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def batches(asker: Asker, process: psutil.Process) -> dict[str, float]:
    """Send batches one after the other; return what that took."""
    bodies = [
        b"".join(json.dumps(row).encode() + b"\n" for row in rows(at * _BATCH, _BATCH, _RECORDS_A_WINDOW))
        for at in range(_BATCHES)
    ]
    began, used = time.perf_counter(), spent(process)
    for body in bodies:
        status, answer = asker.ask("POST", f"/api/v1/models/{_MODEL}/records", body)
        if status != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"a batch was not taken: {answer!r}")
    answered = time.perf_counter() - began
    asker.until(_BATCH * _BATCHES)
    total = _BATCH * _BATCHES
    return {"answered": total / answered, "counted": total / (spent(process) - used)}


def events() -> list[bytes]:
    """Return requests of KServe's logger, each a whole HTTP request."""
    found = []
    for place, row in enumerate(rows(0, _EVENTS // 2, _EVENTS_A_WINDOW, seed=2)):
        # after the batches, so that none is late
        at = to_text(
            _START + (_BATCH * _BATCHES * 3600 // _RECORDS_A_WINDOW + place * 3600 // _EVENTS_A_WINDOW) * SECOND
        )
        bodies = {"request": {"instances": [row["inputs"]]}, "response": {"predictions": [row["prediction"]]}}
        for part, told in bodies.items():
            body = json.dumps(told).encode()
            head = (
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nCe-Specversion: 1.0\r\n"
                f"Ce-Type: org.kubeflow.serving.inference.{part}\r\nCe-Source: pod\r\nCe-Id: e{place}\r\n"
                f"Ce-Time: {at}\r\n"
                f"Ce-Inferenceservicename: {_MODEL}\r\nCe-Namespace: ml\r\nCe-Component: predictor\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            found.append(head.encode() + body)
    return found


async def paced(port: int, sent: list[bytes]) -> tuple[list[float], float]:
    """Send requests at the promised pace over some connections; return the seconds to each answer, and of all."""
    queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    taken: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (due := await queue.get()) is not None:
            writer.write(due[1])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"an event was not taken: {head!r}")
            taken.append(time.perf_counter() - due[0])
        writer.close()

    senders = [asyncio.create_task(sender()) for _ in range(_SENDERS)]
    began = time.perf_counter()
    for place, request in enumerate(sent):
        due = began + place / _EVENTS_A_SECOND
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        queue.put_nowait((due, request))
    for _ in senders:
        queue.put_nowait(None)
    await asyncio.gather(*senders)
    return taken, time.perf_counter() - began


@contextmanager
def running() -> Iterator[tuple[psutil.Process, Asker, int]]:
    """Lend a daemon that is ready, somebody who asks it, and its port."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        daemon = start(prepare(folder, port), folder / "log")
        try:
            asker = Asker(port)
            while b'"ready":true' not in _ready(asker):
                time.sleep(_PAUSE_SECONDS)
            yield psutil.Process(daemon.pid), asker, port
        finally:
            stop(daemon)


def many(first: int, tails: list[bytes]) -> bytes:
    """Return a batch of records whose inputs come again and again, as what is measured is the daemon."""
    hour = 3600 * SECOND
    heads = ((to_text(_START + place * hour // _RECORDS_A_WINDOW), place) for place in range(first, first + _BATCH))
    return b"".join(
        b'{"timestamp":"%s","request_id":"3-%d",%s' % (at.encode(), place, tails[place % len(tails)])
        for at, place in heads
    )


def memory(records: int) -> int:
    """Send records, print what the daemon holds after a tenth of them and after all; 1 if it holds more then."""
    tails = [
        json.dumps({"inputs": row["inputs"], "prediction": row["prediction"]})[1:].encode() + b"\n"
        for row in rows(0, _BATCH, _RECORDS_A_WINDOW)
    ]
    held: list[Row] = []
    with running() as (process, asker, _):
        for first in range(0, records, _BATCH):
            body = many(first, tails)
            while asker.ask("POST", f"/api/v1/models/{_MODEL}/records", body)[0] != HTTPStatus.ACCEPTED:
                time.sleep(_PAUSE_SECONDS)
            sent = first + _BATCH
            if sent in (records // 10, records):
                asker.until(sent)
                held.append({"records": sent, "rss_mb": round(process.memory_info().rss / 1e6, 1)})
    report("http_ingest_memory", held)
    return int(float(held[-1]["rss_mb"] or 0) > _BAR_GROWTH_RATIO * float(held[0]["rss_mb"] or 0))


def main() -> int:
    """Measure, print, and return 1 if a bar is missed."""
    with running() as (process, asker, port):
        found = batches(asker, process)
        rss = process.memory_info().rss
        closed, used = asker.windows(), spent(process)
        taken, wall = asyncio.run(paced(port, events()))
        asker.until(_BATCH * _BATCHES + _EVENTS // 2)
        used, closed = spent(process) - used, asker.windows() - closed
    p50, p99 = (round(float(np.quantile(taken, q)) * 1000, 2) for q in (0.5, 0.99))
    records: Row = {
        "sent": "batches of 1,000 records",
        "a_second_answered": round(found["answered"]),
        "a_cpu_second": round(found["counted"]),
        "bar": _BAR_RECORDS,
        "rss_mb": round(rss / 1e6),
    }
    single: Row = {
        "sent": "events of KServe",
        "a_second_answered": round(_EVENTS / wall),
        "a_cpu_second": round(_EVENTS / used),
        "bar": _EVENTS_A_SECOND,
        "p50_ms": p50,
        "p99_ms": p99,
        "bar_ms": _BAR_P99_MILLISECONDS,
        "windows": closed,
    }
    report("http_ingest", [records, single])
    slow = found["counted"] < _BAR_RECORDS or _EVENTS / wall < _EVENTS_A_SECOND * 0.99 or p99 > _BAR_P99_MILLISECONDS
    return int(slow)


def _ready(asker: Asker) -> bytes:
    try:
        return asker.ask("GET", "/readyz")[1]
    except OSError:
        asker.connection.close()
        return b""


if __name__ == "__main__":
    sys.exit(memory(int(sys.argv[1])) if sys.argv[1:] else main())
