from __future__ import annotations

import gzip
import logging
import time
import traceback
import tracemalloc
from collections.abc import Iterator

import pytest

from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.receivers import Network, send
from monitor.receivers.address import read_url
from monitor.receivers.network import Target, system_connect
from monitor.receivers.sender import Answer, Post, post
from tests.scripted_http import Handler, answer, drip, flood, hang_up, raw, reset, scripted, silent
from tests.sending import BODY, ID, OK, SECRET, deliver, failure, now, settings

HEAD = b"HTTP/1.1 200 OK\r\n"

HOSTILE: dict[str, tuple[Handler, str]] = {
    "silent": (silent, "timeout"),
    "drips its status line": (drip(b"", b"H"), "timeout"),
    "drips headers": (drip(HEAD, b"X-Slow: 1\r\n"), "timeout"),
    "drips one header": (drip(HEAD + b"X-Slow: ", b"a"), "timeout"),
    "endless headers": (flood(HEAD, b"X-Fast: " + b"a" * 1000 + b"\r\n"), "protocol_error"),
    "one endless header": (flood(HEAD + b"X-Fast: ", b"a" * 1000), "protocol_error"),
    "endless informational answers": (
        flood(b"", b"HTTP/1.1 103 Hint\r\nX-Fast: " + b"a" * 1000 + b"\r\n\r\n"),
        "protocol_error",
    ),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol_error"),
    "half an answer": (raw(HEAD + b"Content-Le"), "protocol_error"),
    "resets": (reset, "connection_lost"),
    "hangs up": (hang_up, "connection_lost"),
}


@pytest.mark.parametrize(("handler", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_receiver_that_does_not_answer_fails_within_the_deadline(handler: Handler, reason: str) -> None:
    """Whatever a receiver does instead of answering, the attempt ends at its deadline and may be made again."""
    began = time.monotonic()
    error = failure(handler, timeout="600ms")
    assert isinstance(error, DeliveryFailed)
    assert error.reason == reason
    assert time.monotonic() - began < 3


LENGTHY = HEAD + b"Content-Length: 268435456\r\n\r\n"
BOMB = gzip.compress(bytes(64 * 2**20))
AFTER_THE_STATUS: dict[str, Handler] = {
    "drips its body": drip(LENGTHY, b"o"),
    "floods its body": flood(LENGTHY, b"o" * 65536),
    "a bomb": answer(200, "Content-Encoding: gzip", body=BOMB),
    "a body cut short": raw(LENGTHY + b"ok"),
    "a broken chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@pytest.mark.parametrize("handler", AFTER_THE_STATUS.values(), ids=AFTER_THE_STATUS.keys())
def test_after_a_good_status_the_body_changes_nothing(handler: Handler) -> None:
    """A receiver that has answered 200 has the message; what it sends behind costs neither time nor memory."""
    began = time.monotonic()
    with scripted(handler) as server:
        tracemalloc.start()
        try:
            deliver(server, timeout="600ms")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert time.monotonic() - began < 3
    assert peak < 2 * 2**20


def test_of_an_answer_the_beginning_is_kept() -> None:
    """The first 4 KiB of a body are there for a dialect whose success is a word, and no more."""
    with scripted(answer(200, "Retry-After: 9", body=b"ok" * 5000)) as server:
        got = post(Post(read_url(server.url), {}, b"{}", 1.0), Network())
    assert got == Answer(200, "9", b"ok" * 2048)


def test_no_listener_is_a_failure_to_connect() -> None:
    """A closed port is named as such."""
    with scripted(OK) as server:
        pass
    with pytest.raises(DeliveryFailed) as caught:
        deliver(server)
    assert (caught.value.reason, str(caught.value)) == (
        "connect_failed",
        f"http://127.0.0.1:{server.port}/...: no connection (Connection refused)",
    )


def test_a_name_server_that_hangs_ends_with_the_deadline() -> None:
    """A lookup that takes longer than the deadline is left behind."""

    def hanging(_host: str, _port: int) -> list[Target]:
        time.sleep(1)
        return []

    began = time.monotonic()
    with pytest.raises(DeliveryFailed) as caught:
        send(settings("http://hooks.example/", timeout="200ms"), ID, BODY, now(), Network(resolve=hanging))
    assert caught.value.reason == "dns_failed"
    assert time.monotonic() - began < 0.9


def test_lookups_that_hang_are_bounded() -> None:
    """When eight lookups hang, the ninth fails at once and starts no thread."""
    network = Network()
    for _ in range(8):
        network.lookups.acquire()
    with pytest.raises(DeliveryFailed, match="too many lookups hang"):
        send(settings("http://127.0.0.1:9/"), ID, BODY, now(), network)


@pytest.mark.parametrize("fault", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_without_an_address_may_have_one_later(fault: Exception) -> None:
    """A name that cannot be resolved is a failure, for name servers come back."""

    def failing(_host: str, _port: int) -> list[Target]:
        raise fault

    with pytest.raises(DeliveryFailed) as caught:
        send(settings("http://hooks.example/"), ID, BODY, now(), Network(resolve=failing))
    assert caught.value.reason == "dns_failed"


def test_the_next_address_is_tried_when_one_is_dead() -> None:
    """A name with a dead and a living address is delivered to."""
    with scripted(OK) as server:
        targets = [Target(2, ("127.0.0.2", server.port)), Target(2, ("127.0.0.1", server.port))]
        network = Network(resolve=lambda _host, _port: targets, connect=system_connect)
        send(settings(f"http://jobs.example:{server.port}/"), ID, BODY, now(), network)
    assert server.requests[0].headers["host"] == f"jobs.example:{server.port}"


@pytest.mark.parametrize(
    ("host", "said"),
    [("[::1]", "[::1]"), ("Müller.example", "xn--mller-kva.example"), ("JOBS.example", "jobs.example")],
)
def test_the_host_is_named_as_http_wants_it(host: str, said: str) -> None:
    """The Host header has an IPv6 address in brackets and a name in ASCII."""
    with scripted(OK) as server:
        network = Network(resolve=lambda _host, port: [Target(2, ("127.0.0.1", port))])
        send(settings(f"http://{host}:{server.port}/"), ID, BODY, now(), network)
    assert server.requests[0].headers["host"] == f"{said}:{server.port}"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Listen to everything at DEBUG, also to libraries that were told to be quiet."""
    names = ["httpx", "httpcore", "httpcore.connection", "httpcore.http11", ""]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    "handler", [OK, answer(500), answer(404), raw(b"pathcanary"), hang_up, drip(HEAD, b"X: 1\r\n")]
)
def test_no_secret_is_logged_or_raised(handler: Handler, logged: pytest.LogCaptureFixture) -> None:
    """Whatever comes back, neither a log at DEBUG nor an exception with its causes shows path, query, key or body."""
    told = ""
    with scripted(handler) as server:
        try:
            deliver(server, timeout="300ms")
        except (DeliveryFailed, DeliveryRefused) as error:
            told = "".join(traceback.format_exception(error)) + repr(error)
    seen = told + logged.text
    leaks = ("pathcanary", "querycanary", SECRET[6:], "secretcanary", "Größe")
    assert [leak for leak in leaks if leak in seen] == []
    assert logged.records, "the listener heard nothing, so this test would prove nothing"
