"""A real server in its own thread: ports, stopping, headers, clients that dawdle."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from monitor.errors import FatalError
from monitor.web import Server, create_app
from monitor.web import serve as start
from tests.web.sample import SampleView


@pytest.fixture
def served() -> Iterator[Server]:
    """Serve the sample on a free port."""
    running = start(create_app(SampleView()), "127.0.0.1", 0)
    yield running
    running.stop()


def connect(served: Server) -> http.client.HTTPConnection:
    """Open a connection."""
    return http.client.HTTPConnection(*served.address, timeout=10)


def test_port_zero_takes_a_free_port_and_tells_it(served: Server) -> None:
    """The address is the real one, and answers."""
    connection = connect(served)
    connection.request("GET", "/livez")
    assert connection.getresponse().status == 200
    assert served.url == f"http://127.0.0.1:{served.address[1]}"
    connection.close()


def test_a_taken_port_is_fatal_and_says_what_to_do(served: Server) -> None:
    """A port in use stops the start with E320 and the address."""
    with pytest.raises(FatalError, match=r"Address already in use; help: .*server\.listen") as caught:
        start(create_app(SampleView()), *served.address)
    assert caught.value.code == "E320"


def test_an_address_that_is_not_ours_is_fatal() -> None:
    """An address of another machine cannot be listened on."""
    with pytest.raises(FatalError, match="E320"):
        start(create_app(SampleView()), "127.0.0.256", 0)


def test_a_stopped_server_frees_its_port(served: Server) -> None:
    """After stop nobody listens, and the port can be taken again at once."""
    served.stop()
    assert not served.alive()
    again = start(create_app(SampleView()), *served.address)
    again.stop()


def test_stopping_is_quick_with_a_connection_open(served: Server) -> None:
    """A client that keeps its connection does not hold the stop up."""
    connection = connect(served)
    connection.request("GET", "/livez")
    connection.getresponse().read()
    began = time.monotonic()
    served.stop()
    assert time.monotonic() - began < 4
    connection.close()


def test_signals_stay_with_the_main_thread() -> None:
    """Serving installs no signal handler."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    running = start(create_app(SampleView()), "127.0.0.1", 0)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    running.stop()


def test_head_is_get_without_a_body(served: Server) -> None:
    """HEAD has the headers of GET, the length too, and nothing after them."""
    connection = connect(served)
    connection.request("GET", "/metrics")
    whole = connection.getresponse()
    length = len(whole.read())
    connection.request("HEAD", "/metrics")
    head = connection.getresponse()
    assert (head.status, head.read(), int(head.headers["content-length"])) == (200, b"", length)
    connection.close()


def test_the_server_does_not_name_itself(served: Server) -> None:
    """No header tells the server's name or version, not even for what is not HTTP."""
    for sent in (b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"\x16\x03\x01\r\n\r\n"):
        with socket.create_connection(served.address, timeout=10) as raw:
            raw.sendall(sent)
            received = raw.makefile("rb").read().lower()
        assert received.startswith(b"http/1.1")
        assert b"uvicorn" not in received
        assert b"\r\nserver:" not in received


def test_many_scrapes_at_once_are_all_answered(served: Server) -> None:
    """Fifty clients at once get their page."""
    statuses: list[int] = []

    def scrape() -> None:
        connection = connect(served)
        connection.request("GET", "/metrics", headers={"accept-encoding": "gzip"})
        statuses.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=scrape) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50


def test_a_client_that_drips_its_headers_is_cut_off() -> None:
    """Headers must be whole within the deadline, however often a byte comes."""
    running = start(create_app(SampleView()), "127.0.0.1", 0, header_seconds=0.5)
    assert 0.4 < drip(running.address, b"GET /livez HTTP/1.1\r\nx: " + b"y" * 1000) < 5
    running.stop()


def test_a_kept_connection_must_also_send_its_headers_in_time() -> None:
    """The deadline holds for the second request of a connection as for the first."""
    running = start(create_app(SampleView()), "127.0.0.1", 0, header_seconds=0.5)
    connection = connect(running)
    connection.request("GET", "/livez")
    connection.getresponse().read()
    connection.send(b"GET /li")
    began = time.monotonic()
    assert connection.sock.recv(65_536) == b""
    assert time.monotonic() - began < 5
    connection.close()
    running.stop()


def drip(address: tuple[str, int], data: bytes) -> float:
    """Send a byte at a time until the server hangs up; return how many seconds that took."""
    began = time.monotonic()
    with socket.create_connection(address, timeout=0.2) as raw:
        for byte in data:
            try:
                raw.sendall(bytes([byte]))
                if raw.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began
