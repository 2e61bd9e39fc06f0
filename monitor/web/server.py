"""uvicorn in a thread of its own: it owns no signal, and stops when told."""

from __future__ import annotations

import asyncio
import socket
import threading
from asyncio import TimerHandle, Transport

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from monitor.errors import FatalError

_BACKLOG = 128
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_GRACE_SECONDS = 2  # for answers under way when the server stops
_KEEP_ALIVE_SECONDS = 75  # above the scrape interval, so that Prometheus keeps its connection
_MOST_CONNECTIONS = 512
_TICK_SECONDS = 0.01


class Server:
    """A server that listens.

    Attributes
    ----------
    address: host and port it can be reached at; the real port if 0 was asked for.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, header_seconds: float) -> None:
        self._server = uvicorn.Server(_config(app, header_seconds))
        self._listener = listener
        host, port, *_ = listener.getsockname()
        self.address: tuple[str, int] = (host, port)
        self._thread = threading.Thread(target=self._run, name=f"web-{port}", daemon=True)

    @property
    def url(self) -> str:
        """Return the address as the start of a URL, without a slash at its end."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, and return once it accepts connections."""
        self._thread.start()
        started = threading.Event()
        waited = 0.0
        while not self._server.started:
            if not self._thread.is_alive() or waited > _START_SECONDS:
                raise FatalError("E321", "the web server did not start", "the log says why")
            started.wait(_TICK_SECONDS)
            waited += _TICK_SECONDS

    def stop(self) -> None:
        """Stop listening, let answers under way end, and wait for the thread."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._listener.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))


def serve(app: ASGIApp, host: str, port: int, header_seconds: float = 10.0) -> Server:
    """Serve an application in a thread; port 0 takes a free one.

    Parameters
    ----------
    header_seconds: how long a client may take for the headers of one request.

    Raises
    ------
    FatalError: E320, the address cannot be listened on.
    """
    server = Server(app, _listen(host, port), header_seconds)
    server.start()
    return server


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _taken(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def _taken(host: str, port: int, error: OSError) -> FatalError:
    why = error.strerror or type(error).__name__
    return FatalError(
        "E320", f"cannot listen on {host}:{port}: {why}", "stop what listens there, or change server.listen"
    )


def _config(app: ASGIApp, header_seconds: float) -> uvicorn.Config:
    protocol = type("Protocol", (ImpatientProtocol,), {"header_seconds": header_seconds})
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose request line and headers do not come in time, however slowly they drip."""

    header_seconds = 10.0
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the clock with the connection."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Stop the clock once headers are whole; start it when a further request begins."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._arrived()
        elif self._deadline is None and not self._answering():
            self._expect()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own annotation forgets the time before the first
        return cycle is not None and not cycle.response_complete

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._give_up)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()
