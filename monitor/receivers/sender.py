"""The one sender: POST a body, follow nothing, trust nothing from the environment, keep the beginning of the answer.

httpx reads the URL; httpcore, on which it stands, does the rest: httpx's client logs whole URLs, and its transport
cannot be told how to connect.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import httpcore
import httpx

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed
from monitor.receivers.address import endpoint
from monitor.receivers.backend import GuardedBackend
from monitor.receivers.network import Deadline, Network

KEPT_BYTES = 4096  # of an answer's body: enough for a program's "ok" and of no use as a bomb
_CONTEXTS = 8

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below it they tell headers and addresses


@dataclass(frozen=True, slots=True)
class Post:
    """One attempt. URL, headers and body may hold secrets, and are not shown.

    Attributes
    ----------
    url: as ``read_url`` gave it.
    seconds: the deadline of the whole attempt.
    ca_file: certificates of the authorities to trust instead of the public ones.
    """

    url: httpx.URL = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered; of the body at most ``KEPT_BYTES``, as it came."""

    status: int
    retry_after: str | None
    body: bytes


def post(request: Post, network: Network) -> Answer:
    """Send one request and return the answer, whatever its status.

    Raises
    ------
    DeliveryFailed: there was no answer.
    DeliveryRefused: the address may not be called.
    """
    deadline = Deadline(request.seconds, endpoint(request.url).shown)
    context = _tls_context(request, network.root, deadline) if request.url.scheme == "https" else None
    url = httpcore.URL(
        scheme=request.url.raw_scheme,
        host=request.url.raw_host,
        port=request.url.port,
        target=request.url.raw_path,
    )
    headers: list[tuple[str | bytes, str | bytes]] = [
        ("Host", request.url.netloc),  # httpcore's own lacks the brackets of an IPv6 address
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        *request.headers.items(),
    ]
    backend = GuardedBackend(network, deadline)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, max_connections=1, network_backend=backend) as pool,
            pool.stream("POST", url, headers=headers, content=request.body) as response,
        ):
            return Answer(response.status, _header(response, b"retry-after"), _beginning(response))
    except httpcore.RemoteProtocolError:
        raise deadline.failed(Reason.PROTOCOL_ERROR, "the answer is not HTTP") from None


def _beginning(response: httpcore.Response) -> bytes:
    """Return the beginning of the body; the status has been given, so what fails from here on changes nothing."""
    kept = b""
    with suppress(DeliveryFailed, httpcore.RemoteProtocolError):
        for chunk in response.iter_stream():
            kept += chunk
            if len(kept) >= KEPT_BYTES:
                break
    return kept[:KEPT_BYTES]


def _header(response: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), None)


def _tls_context(request: Post, root: Path, deadline: Deadline) -> ssl.SSLContext:
    try:
        if request.ca_file is None:
            return _public_context()
        path = root / request.ca_file
        return _private_context(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise deadline.failed(Reason.TLS_FAILED, "ca_file cannot be read") from error


@lru_cache(maxsize=1)
def _public_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@lru_cache(maxsize=_CONTEXTS)
def _private_context(path: Path, _changed_ns: int) -> ssl.SSLContext:
    """Trust one file alone; it is read anew when it changes."""
    return ssl.create_default_context(cafile=path)
