"""Reads a receiver's URL as an operator wrote it, and says what is wrong with it without showing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    import httpx

_EXPECTED = "expected https:// or http:// and a host"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,15}")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?|[0-9a-f:.]+")
_MAX_PORT = 65_535
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is resolved and connected to. ``shown`` is the URL as it may be shown."""

    host: str
    port: int
    shown: str


def read_url(text: str) -> httpx.URL:
    """Read a URL that a message may be sent to.

    Raises
    ------
    ValueError: it is none; the text shows neither its path nor its query, which may be secrets.
    """
    import httpx  # 12 MB that only a process with a receiver needs

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise ValueError(f"not a URL; {_EXPECTED}") from None
    if url.scheme not in {"http", "https"}:
        scheme = f' "{url.scheme}"' if _SCHEME.fullmatch(url.scheme) else ""
        raise ValueError(f"scheme{scheme} not allowed; expected https or http")
    if url.userinfo:
        raise ValueError("a user or password in the URL; expected none: requests are signed with the secret")
    if not _HOST.fullmatch(url.raw_host.decode("ascii")):
        raise ValueError(f"no host, or not the name of one; {_EXPECTED}")
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        raise ValueError("no such port; expected 1 to 65535")
    return url


def endpoint(url: httpx.URL) -> Endpoint:
    """Return where a URL leads.

    >>> endpoint(read_url("https://hooks.example:8443/T0/B0/s3cret?key=1"))
    Endpoint(host='hooks.example', port=8443, shown='https://hooks.example:8443/...')
    """
    shown = f"{url.scheme}://{url.netloc.decode('ascii')}/..."
    return Endpoint(url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme], shown)


def _checked(value: SecretStr) -> SecretStr:
    try:
        read_url(value.get_secret_value())
    except ValueError as error:
        raise PydanticCustomError("E120", str(error)) from None
    return value


SecretUrl = Annotated[SecretStr, AfterValidator(_checked)]
