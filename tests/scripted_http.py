"""A loopback HTTP server that answers by a script: one handler a connection, the last one repeats."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

Handler: TypeAlias = Callable[[socket.socket, threading.Event], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What came in."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Where it listens, and what it was asked."""

    port: int
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Return a URL with a path and a query that are secrets."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks/pathcanary?token=querycanary"


@contextmanager
def scripted(*script: Handler, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Serve a script until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = ScriptedServer(listener.getsockname()[1], "https" if tls else "http")
    over = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not over.is_set():
            try:
                opened, _ = listener.accept()
            except OSError:
                return
            handler = script[min(server.connections, len(script) - 1)]
            server.connections += 1
            threads.append(threading.Thread(target=_serve, args=(server, opened, handler, over, tls), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(5)


def _serve(
    server: ScriptedServer, opened: socket.socket, handler: Handler, over: threading.Event, tls: ssl.SSLContext | None
) -> None:
    with opened, suppress(OSError):
        opened.settimeout(5)
        talk = tls.wrap_socket(opened, server_side=True) if tls else opened
        with talk:
            server.requests.append(_read(talk))
            handler(talk, over)


def _read(opened: socket.socket) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(opened)
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(opened)
    return Request(line, headers, body)


def _more(opened: socket.socket) -> bytes:
    received = opened.recv(65536)
    if not received:
        raise ConnectionError
    return received


def answer(status: int, *headers: str, body: bytes = b"") -> Handler:
    """Answer with a status, headers and a body."""
    lines = [f"HTTP/1.1 {status} Scripted", *headers, f"Content-Length: {len(body)}", "", ""]
    return raw("\r\n".join(lines).encode("latin-1") + body)


def raw(data: bytes) -> Handler:
    """Answer with these bytes."""

    def handler(opened: socket.socket, _over: threading.Event) -> None:
        opened.sendall(data)

    return handler


def drip(head: bytes, piece: bytes, seconds: float = 0.05) -> Handler:
    """Answer with a head, then with one piece after the other for ever."""

    def handler(opened: socket.socket, over: threading.Event) -> None:
        opened.sendall(head)
        while not over.wait(seconds):
            opened.sendall(piece)

    return handler


def flood(head: bytes, piece: bytes) -> Handler:
    """Answer with a head, then with pieces as fast as they are taken."""

    def handler(opened: socket.socket, over: threading.Event) -> None:
        opened.sendall(head)
        while not over.is_set():
            opened.sendall(piece)

    return handler


def silent(_opened: socket.socket, over: threading.Event) -> None:
    """Take the request and never answer."""
    over.wait(30)


def reset(opened: socket.socket, _over: threading.Event) -> None:
    """Take the request and reset the connection."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_opened: socket.socket, _over: threading.Event) -> None:
    """Take the request and close the connection."""
