"""One page of metrics by HTTP, within bounds of time and size."""

from __future__ import annotations

import http.client
import ssl
import time
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_STEP = 2**16
_ACCEPT = "text/plain;version=0.0.4"


class PageUnread(Exception):
    """Why a page could not be had, in words for people."""


def fetch(url: str, timeout: float, max_body: int) -> str:
    """Return a page; no redirect is followed, and no link-local address asked.

    Raises
    ------
    PageUnread: it could not be had.
    """
    parts, ends = urlsplit(url), time.monotonic() + timeout
    host, port = parts.hostname or "", parts.port
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    try:
        connection.connect()
        _refuse_link_local(connection)
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers=_HEADERS)
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            raise PageUnread(f"answered with {answer.status}")
        return _read(connection, answer, ends, max_body)
    except UnicodeDecodeError:
        raise PageUnread("its page is not UTF-8") from None
    except TimeoutError:
        raise PageUnread(f"no answer within {timeout:g} s") from None
    except OSError as error:
        raise PageUnread(error.strerror or type(error).__name__) from None
    except http.client.HTTPException as error:
        raise PageUnread(f"no HTTP: {type(error).__name__}") from None
    finally:
        connection.close()


_HEADERS = {"Accept": _ACCEPT, "User-Agent": "driftline", "Connection": "close"}


def _refuse_link_local(connection: http.client.HTTPConnection) -> None:
    """Refuse what a name may lead to that is no model server: such as the metadata of a cloud."""
    address = ip_address(connection.sock.getpeername()[0].partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise PageUnread("is at a link-local address, which is never asked")


def _read(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, ends: float, max_body: int) -> str:
    parts, size = [], 0
    while part := answer.read1(_STEP):
        size += len(part)
        if size > max_body:
            raise PageUnread(f"its page has more than {max_body} bytes (max_body)")
        parts.append(part)
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
    return b"".join(parts).decode()
