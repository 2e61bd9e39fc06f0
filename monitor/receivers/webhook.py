"""Receiver ``webhook``: a CloudEvent, signed by the Standard Webhooks scheme, version 1.0.0.

``webhook-id`` is the message's id, the same on every try; ``webhook-timestamp`` is this attempt's second;
``webhook-signature`` holds a signature for each key, so that keys are changed without losing a message.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from monitor import __version__
from monitor.delivery import judge_status
from monitor.instant import SECOND, Instant
from monitor.receivers.address import Endpoint, SecretUrl, endpoint, read_url
from monitor.receivers.base import NamedSettings
from monitor.receivers.network import Network
from monitor.settings import Duration, parse_duration

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_PREFIX = "whsec_"
_LEAST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64
_MOST_KEYS = 2


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


def _checked(secret: SecretStr) -> SecretStr:
    """Refuse a secret that the scheme does not know; what is said of it shows none of it."""
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        raise PydanticCustomError("E122", "not a signing secret; expected whsec_ and 24 to 64 bytes in base64")
    encoded = text.removeprefix(_PREFIX)
    try:
        length = len(base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
    except (binascii.Error, ValueError):
        raise PydanticCustomError("E122", "not base64 after whsec_; expected 24 to 64 bytes") from None
    if not _LEAST_KEY_BYTES <= length <= _MOST_KEY_BYTES:
        raise PydanticCustomError("E122", "{length} bytes; expected 24 to 64", {"length": length})
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_checked)]
SigningSecrets = Annotated[tuple[SigningSecret, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class WebhookSettings(NamedSettings):
    """A program that takes signed CloudEvents: a retraining job, a workflow, a relay."""

    type: Literal["webhook"] = "webhook"
    url: SecretUrl = Field(description="http or https; may hold a token, and is shown without its path")
    secret: SigningSecrets = Field(
        min_length=1, max_length=_MOST_KEYS, description="whsec_ and base64; two while they change: the new one first"
    )
    timeout: Duration = Field(
        parse_duration("15s"), gt=parse_duration("0s"), le=parse_duration("60s"), description="for the whole attempt"
    )
    ca_file: Path | None = Field(None, description="certificates to trust instead of the public authorities'")


def send(settings: WebhookSettings, message_id: str, body: bytes, now: Instant, network: Network) -> None:
    """Send a message once.

    Raises
    ------
    DeliveryFailed: not taken, and the same call may succeed later.
    DeliveryRefused: it will never be taken.
    """
    from monitor.receivers.sender import Post, post  # httpcore: loaded by the first message

    url = read_url(settings.url.get_secret_value())
    headers = signed_headers(settings.secret, message_id, body, now)
    answer = post(Post(url, headers, body, settings.timeout.total_seconds(), settings.ca_file), network)
    failure = judge_status(answer.status, answer.retry_after, now, endpoint(url).shown)
    if failure is not None:
        raise failure


def leads_to(settings: WebhookSettings) -> Endpoint:
    """Return where messages go."""
    return endpoint(read_url(settings.url.get_secret_value()))


def signed_headers(secrets: Sequence[SecretStr], message_id: str, body: bytes, now: Instant) -> dict[str, str]:
    """Return the headers of an attempt, signed with each key."""
    from standardwebhooks import Webhook

    second = datetime.fromtimestamp(now // SECOND, UTC)
    keys = [Webhook(secret.get_secret_value()) for secret in secrets]
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": f"driftline/{__version__}",
        "Idempotency-Key": message_id,
        "webhook-id": message_id,
        "webhook-timestamp": str(now // SECOND),
        "webhook-signature": " ".join(key.sign(message_id, second, body.decode("utf-8")) for key in keys),
    }
