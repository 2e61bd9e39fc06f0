"""Deterministic ids: the same facts give the same id on every replica and after every restart."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote, unquote

from monitor.instant import Instant, to_compact

_LETTERS = 26


def digest_id(prefix: str, *parts: object) -> str:
    """Return ``prefix_`` and the first 26 base32 letters of SHA-256 of the parts joined by ``|``.

    ``None`` counts as the empty text.

    >>> digest_id("al", "flight-delay", "1", "drift")
    'al_54kh2b52o67frlispr3qcexcsj'
    """
    text = "|".join("" if part is None else str(part) for part in parts)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return f"{prefix}_{base64.b32encode(digest).decode('ascii').lower()[:_LETTERS]}"


def window_id(model: str, version: str, start: Instant, end: Instant) -> str:
    """Return the id of a window.

    >>> window_id("m", "a~b", 0, 3_600_000_000)
    'm~a%7Eb~19700101T000000Z~19700101T010000Z'
    """
    escaped = quote(version, safe="").replace("~", "%7E")
    return "~".join((model, escaped, to_compact(start), to_compact(end)))


def version_of(window: str) -> str:
    """Return the version that a window's id names.

    >>> version_of("m~a%7Eb~19700101T000000Z~19700101T010000Z")
    'a~b'
    """
    return unquote(window.split("~")[1])
