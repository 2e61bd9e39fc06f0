"""A server of buckets as S3 has them, on this machine, that can be told to be too busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from pyarrow.fs import S3FileSystem
from werkzeug.serving import make_server

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

    @property
    def login(self) -> dict[str, str]:
        """Return what a config says of it."""
        return {"endpoint": self.endpoint, "region": "eu-west-1", "access_key": "a", "secret_key": "b"}

    def clock(self) -> float:
        """Return a time that goes on as a test says: so none waits."""
        return time.time() + self.ahead


@contextmanager
def buckets(*names: str) -> Iterator[Served]:
    """Serve some buckets."""
    app = Served()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.endpoint = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name in names:
        app.system().create_dir(name)
    try:
        yield app
    finally:
        server.shutdown()
        thread.join()
