"""A signed message and a receiver at a scripted server, for the tests of the sender."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND
from monitor.receivers import Network, WebhookSettings, send
from tests.scripted_http import Handler, ScriptedServer, answer, scripted

SECRET = "whsec_" + base64.b64encode(b"secretcanary-0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"othercanary-0123456789abcdefg").decode()
BODY = json.dumps({"specversion": "1.0", "data": {"column": "Größe"}}, ensure_ascii=False).encode()
ID = "evt_q6ph5tnwy2rvb6cja4k2d7x3mz"
OK = answer(200)


def settings(url: str, **changed: Any) -> WebhookSettings:
    """Return settings with a short deadline."""
    given = {"name": "job", "type": "webhook", "url": url, "secret": SECRET, "timeout": "1s"} | changed
    return WebhookSettings.model_validate(given)


def now() -> int:
    """Return the instant of the test, which the official verifier compares with its own clock."""
    return int(time.time()) * SECOND


def deliver(server: ScriptedServer, **changed: Any) -> None:
    """Send the message once."""
    send(settings(server.url, **changed), ID, BODY, now(), Network())


def failure(*script: Handler, **changed: Any) -> DeliveryFailed | DeliveryRefused:
    """Return what sending to a scripted server raises."""
    with scripted(*script) as server, pytest.raises((DeliveryFailed, DeliveryRefused)) as caught:
        deliver(server, **changed)
    assert isinstance(caught.value, DeliveryFailed | DeliveryRefused)
    return caught.value
