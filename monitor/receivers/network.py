"""How receivers are reached: the rules, the two calls that leave the process, and the time there is for it."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.receivers.egress import EgressSettings, read_address, refused

_LOOKUPS = 8  # lookups that may hang at one time: the resolver knows no deadline, so each holds a thread


@dataclass(frozen=True, slots=True)
class Target:
    """A numeric socket address and its family."""

    family: int
    address: tuple[Any, ...]


Resolve: TypeAlias = Callable[[str, int], Sequence[Target]]
Connect: TypeAlias = Callable[[Target, float], socket.socket]


def system_resolve(host: str, port: int) -> Sequence[Target]:
    """Ask the system's resolver.

    Raises
    ------
    OSError, UnicodeError: there is no such name, or no answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [Target(family, address) for family, _, _, _, address in found]


def system_connect(target: Target, seconds: float) -> socket.socket:
    """Open a connection to a numeric address.

    Raises
    ------
    OSError: there is none within ``seconds``.
    """
    opened = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        opened.settimeout(seconds)
        opened.connect(target.address)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass(frozen=True, slots=True)
class Network:
    """How receivers are reached: the rules, and the two calls that leave the process.

    ``root`` is what a relative path of a CA's file is relative to.
    """

    egress: EgressSettings = field(default_factory=EgressSettings)
    resolve: Resolve = system_resolve
    connect: Connect = system_connect
    root: Path = field(default_factory=Path)
    lookups: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_LOOKUPS))


class Deadline:
    """The end of one delivery, on the monotonic clock. ``address`` is the receiver's as it may be shown."""

    def __init__(self, seconds: float, address: str) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self.address = address

    def left(self) -> float:
        """Return the seconds left.

        Raises
        ------
        DeliveryFailed: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> DeliveryFailed:
        """Return the error for a deadline that has passed."""
        return DeliveryFailed(Reason.TIMEOUT, f"{self.address}: no answer within {self._seconds:g} s")

    def failed(self, reason: Reason, what: str) -> DeliveryFailed:
        """Return the error for another failure on the way."""
        return DeliveryFailed(reason, f"{self.address}: {what}")


def checked_targets(network: Network, host: str, port: int, deadline: Deadline) -> list[Target]:
    """Resolve a name once and return the addresses that may be called.

    Raises
    ------
    DeliveryFailed: the name cannot be resolved now.
    DeliveryRefused: none of its addresses may be called.
    """
    found = _looked_up(network, host, port, deadline)
    if not found:
        raise deadline.failed(Reason.DNS_FAILED, "the name has no address")
    scopes = [refused(read_address(str(target.address[0])), network.egress) for target in found]
    allowed = [target for target, scope in zip(found, scopes, strict=True) if scope is None]
    if not allowed:
        what = f"resolves to an address that is {scopes[0]} ({found[0].address[0]})"
        raise DeliveryRefused(Reason.ADDRESS_REFUSED, f"{deadline.address}: {what}")
    return allowed


def _looked_up(network: Network, host: str, port: int, deadline: Deadline) -> Sequence[Target]:
    """Resolve in a thread, for the resolver knows no deadline; a lookup that hangs is left behind."""
    if not network.lookups.acquire(blocking=False):
        raise deadline.failed(Reason.DNS_FAILED, "too many lookups hang; the name server does not answer")
    answers: queue.SimpleQueue[Sequence[Target] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(network.resolve(host, port))
        except Exception as error:  # noqa: BLE001  handed to the thread that asked
            answers.put(error)
        finally:
            network.lookups.release()

    threading.Thread(target=look_up, name="lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.failed(Reason.DNS_FAILED, "the name was not resolved in time") from None
    if isinstance(answer, OSError | UnicodeError):
        raise deadline.failed(Reason.DNS_FAILED, "the name cannot be resolved") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer
