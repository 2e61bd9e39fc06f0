"""The one way out: a name is resolved, its addresses checked, and the socket opened to an address that was checked.

Every step, from the lookup to the last byte of the answer, gets the time that is left of one deadline. An HTTP client's
own timeouts are a step's: one byte every half second passes them for ever.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed
from monitor.receivers.network import Deadline, Network, checked_targets

CONNECT_SECONDS = 5.0
ANSWER_BYTES = 128 * 1024  # of head and body; an HTTP head alone may have 100 KiB


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections for one delivery; whatever asks for one, no other way leads out."""

    def __init__(self, network: Network, deadline: Deadline) -> None:
        self._network = network
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the deadline's
        local_address: str | None = None,  # noqa: ARG002  the system's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  ours
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a name that may be called and answers."""
        failure = self._deadline.failed(Reason.CONNECT_FAILED, "no connection")
        for target in checked_targets(self._network, host, port, self._deadline):
            seconds = min(CONNECT_SECONDS, self._deadline.left())
            try:
                return GuardedStream(self._network.connect(target, seconds), self._deadline)
            except TimeoutError:
                failure = self._deadline.failed(Reason.TIMEOUT, f"no connection within {seconds:.3g} s")
            except OSError as error:
                why = error.strerror or "I/O error"
                failure = self._deadline.failed(Reason.CONNECT_FAILED, f"no connection ({why})")
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refuse: no receiver is a file."""
        raise NotImplementedError


class GuardedStream(httpcore.NetworkStream):
    """A connection whose every step gets the time left, and that takes in no more than ``ANSWER_BYTES``."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        self._socket = opened
        self._deadline = deadline
        self._received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  the deadline's
        """Return what came; empty at the end."""
        self._socket.settimeout(self._deadline.left())
        try:
            received = self._socket.recv(max_bytes)
        except TimeoutError:
            raise self._deadline.passed() from None
        except OSError as error:
            raise self._lost() from error
        if not received and not self._received:
            raise self._lost()
        self._received += len(received)
        if self._received > ANSWER_BYTES:
            raise self._deadline.failed(Reason.PROTOCOL_ERROR, f"an answer of more than {ANSWER_BYTES} bytes")
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  the deadline's
        """Send all of it."""
        unsent = memoryview(buffer)
        while unsent:
            self._socket.settimeout(self._deadline.left())
            try:
                unsent = unsent[self._socket.send(unsent) :]
            except TimeoutError:
                raise self._deadline.passed() from None
            except OSError as error:
                # A receiver may refuse before it has read all: httpcore then looks for its answer.
                raise httpcore.WriteError from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  the deadline's
    ) -> httpcore.NetworkStream:
        """Shake hands; a certificate that does not hold ends the delivery, never the encryption."""
        try:
            self._socket.settimeout(self._deadline.left())
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError:
            self.close()
            raise self._deadline.passed() from None
        except (OSError, ValueError) as error:
            self.close()
            raise self._deadline.failed(Reason.TLS_FAILED, f"no TLS ({_tls_fault(error)})") from error
        except BaseException:
            self.close()
            raise
        return GuardedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return the TLS object, which httpcore asks for the protocol agreed on."""
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None

    def _lost(self) -> DeliveryFailed:
        return self._deadline.failed(Reason.CONNECTION_LOST, "the connection was closed without an answer")


def _tls_fault(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "handshake failed").lower().replace("_", " ")
    return "the connection was closed in the handshake"
