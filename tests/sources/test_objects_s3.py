"""A bucket as S3 has it, served on this machine."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from pyarrow.fs import S3FileSystem
from werkzeug.serving import make_server

from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.objects.source import ObjectStoreSource
from tests.sources.buckets import LAYOUT, Reader, lines

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class Served:
    """A server of buckets that can be told to be too busy."""

    busy: bool = False
    ahead: float = 0.0
    asked: list[str] = field(default_factory=list)
    endpoint: str = ""

    def __post_init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        self.asked.append(environ["PATH_INFO"])
        if self.busy:
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(BUSY)))])
            return [BUSY]
        answer: Iterable[bytes] = self._app(environ, start)
        return answer

    def system(self) -> S3FileSystem:
        """Return a client that may write."""
        return S3FileSystem(
            access_key="a",
            secret_key="b",
            region="eu-west-1",
            endpoint_override=self.endpoint,
            allow_bucket_creation=True,
        )

    def source(self, path: str, **more: Any) -> ObjectStoreSource:
        """Return a source of what a path means."""
        login = {"endpoint": self.endpoint, "region": "eu-west-1", "access_key": "a", "secret_key": "b"}
        settings = {"type": "object_store", "path": path, "every": "0s"} | login | more
        return ObjectStoreSource(ObjectStoreSettings.model_validate(settings), LAYOUT, Path(), clock=self.clock)

    def clock(self) -> float:
        """Return a time that goes on as a test says: so none waits."""
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Serve buckets."""
    app = Served()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.endpoint = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    system = app.system()
    system.create_dir("churn")
    yield app
    server.shutdown()
    thread.join()


def put(served: Served, key: str, data: bytes) -> None:
    """Put an object."""
    with served.system().open_output_stream(key) as out:
        out.write(data)


def test_a_bucket_is_read_and_what_comes_later_too(served: Served) -> None:
    """Objects below a prefix are read once, in the order of event time, and new ones when they are there."""
    put(served, "churn/a/day=05/x.jsonl", lines(1, 2))
    put(served, "churn/a/day=06/x.csv", b"timestamp,inputs.amount\n2026-01-05T10:03:00Z,3\n")
    put(served, "churn/b/x.jsonl", lines(9))
    reader = Reader(served.source("s3://churn/a/"))
    assert reader.read() == [1, 2, 3]
    put(served, "churn/a/day=05/late.jsonl", lines(4))
    served.ahead += 60
    assert reader.read() == [4]
    assert Reader(served.source("s3://churn/a/"), reader.positions).read() == []


def test_a_store_that_asks_to_slow_down_is_degraded_and_healed(served: Served) -> None:
    """503 is told by its name, without address or keys, and what is there is read once the store answers again."""
    put(served, "churn/c/x.jsonl", lines(1))
    reader = Reader(served.source("s3://churn/c/"))
    served.busy = True
    try:
        assert reader.read() == []
        assert reader.source.away
        assert reader.source.problem() == "s3://churn/c/: cannot be listed now (SLOW_DOWN to ListObjectsV2)"
    finally:
        served.busy = False
    served.ahead += 60
    assert reader.read() == [1]
    assert reader.source.problem() is None


def test_a_bucket_that_is_not_there_is_told(served: Served) -> None:
    """A wrong name of a bucket is told as the store tells it."""
    source = served.source("s3://nowhere/logs/")
    assert source.survey() is None
    assert source.problem() == "s3://nowhere/logs/: cannot be listed now (NO_SUCH_BUCKET to ListObjectsV2)"


def test_a_large_object_is_read_piece_by_piece(served: Served) -> None:
    """An object that is not had at once is asked for in parts, and a store that fails meanwhile loses nothing."""
    many = b"".join(lines(*range(100), prefix=f"{number}-") for number in range(1000))
    put(served, "churn/d/x.jsonl", many)
    reader = Reader(served.source("s3://churn/d/"))
    first = reader.read(1)
    served.busy = True
    try:
        assert reader.read() == []
        assert re.fullmatch(
            r"s3://churn/d/: cannot be read now \([A-Z_]+ to GetObject\)", reader.source.problem() or ""
        )
    finally:
        served.busy = False
    served.ahead += 60
    assert len(first) + len(reader.read()) == 100_000
    assert reader.refused() == {}
