"""Whether a message is Driftline's: the Standard Webhooks scheme 1.0.0, read.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.errors import PermanentError

TOLERANCE_SECONDS = 300
"""A message whose second is further from now is refused: it may be an old one, sent again by somebody else."""
_PREFIX, _SCHEME = "whsec_", "v1"
_MOST_DIGITS = 12  # of a second since 1970


class NotVerified(PermanentError):
    """A message that is not from who knows the secret, or too old. ``reason`` is a stable word; answer 401."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def verify(
    body: bytes, headers: Mapping[str, str], secrets: str | Iterable[str], *, now: float | None = None
) -> dict[str, Any]:
    """Return the event of a message whose signature holds.

    Parameters
    ----------
    body: the bytes as they came.
    headers: in any case; ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` are read.
    secrets: ``whsec_`` and base64; several while they change, any of which may have signed.
    now: seconds since 1970; unset: this machine's clock.

    Raises
    ------
    NotVerified: ``headers_missing``, ``timestamp_out_of_range``, ``signature_wrong`` or ``not_an_event``.
    ValueError: a secret is none.
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("no secret was given; expected whsec_ and base64")
    named = {name.lower(): value for name, value in headers.items()}
    message_id, second, signed = (named.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and second and signed):
        raise NotVerified("headers_missing", "the message lacks a webhook-id, webhook-timestamp or webhook-signature")
    _check_second(second, time.time() if now is None else now)
    content = f"{message_id}.{second}.".encode("utf-8", "surrogatepass") + body
    if not _is_signed(content, signed, keys):
        raise NotVerified("signature_wrong", "no signature is that of a secret known here")
    return _event(body, message_id)


def _check_second(text: str, now: float) -> None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not is_number or abs(now - int(text)) > TOLERANCE_SECONDS:
        what = f"webhook-timestamp is no second within {TOLERANCE_SECONDS} s of this machine's clock"
        raise NotVerified("timestamp_out_of_range", what)


def _is_signed(content: bytes, signed: str, keys: list[bytes]) -> bool:
    """Say whether any key made any signature; each comparison takes the same time whatever is compared."""
    parts = (each.partition(",") for each in signed.split())
    given = [value.encode("utf-8", "surrogatepass") for scheme, _, value in parts if scheme == _SCHEME]
    made = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()) for key in keys]
    return any(hmac.compare_digest(one, other) for one in made for other in given)


def _event(body: bytes, message_id: str) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or event.get("id") != message_id:
        raise NotVerified("not_an_event", "the body is no CloudEvent with the id of webhook-id")
    return event


def _key(secret: str) -> bytes:
    encoded = secret.strip().removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("not a signing secret; expected whsec_ and base64")
    return key
