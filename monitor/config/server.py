"""The addresses the daemon serves, and how far its receivers may reach."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from monitor.receivers import EgressSettings
from monitor.settings import Settings, Size

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})")
_LINK = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#@]*)?")
_MAX_PORT = 65_535


def host_and_port(address: str) -> tuple[str, int]:
    """Split ``host:port``.

    Raises
    ------
    ValueError: it is not an address with a port.

    >>> host_and_port("127.0.0.1:10464"), host_and_port("[::1]:0")
    (('127.0.0.1', 10464), ('::1', 0))
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match[2]) > _MAX_PORT:
        raise ValueError('not an address; expected host:port, e.g. "127.0.0.1:10464"')
    return match[1].strip("[]"), int(match[2])


def _address(text: str) -> str:
    host_and_port(text)
    return text


def _loopback(text: str) -> str:
    host, _ = host_and_port(text)
    if not _is_loopback(host):
        raise ValueError(
            "not a loopback address; expected 127.0.0.1 or [::1]: this version has no tokens to protect more"
        )
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _link(text: str) -> str:
    if not _LINK.fullmatch(text):
        raise ValueError('not a web address; expected e.g. "https://driftline.example.com"')
    return text.rstrip("/")


class LimitSettings(Settings):
    """What one request may bring: bytes as sent, bytes once unpacked, and records."""

    wire: Annotated[Size, Field(ge=1024, le=2**30)] = 2**20
    inflated: Annotated[Size, Field(ge=1024, le=2**30)] = 16 * 2**20
    records: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000


class ServerSettings(EgressSettings):
    """Where the daemon listens, and where it may send."""

    listen: Annotated[str, AfterValidator(_loopback)] = Field(
        "127.0.0.1:10464", description="web page, API, /metrics, /livez, /readyz; loopback only"
    )
    metrics_listen: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="/metrics, /livez, /readyz alone, without auth; may be 0.0.0.0"
    )
    external_url: Annotated[str, AfterValidator(_link)] | None = Field(
        None, description="what links in alerts start with; unset: http:// and listen"
    )
    allow_commands: bool = Field(
        default=False, description="let receivers of type command run programs as the daemon's user"
    )
    limits: LimitSettings = Field(LimitSettings(), description="what one request may bring")

    @property
    def base_url(self) -> str:
        """Return what every link starts with, without a slash at its end."""
        return self.external_url or f"http://{self.listen}"
