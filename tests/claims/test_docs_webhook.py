"""The webhook's page against a message as it is built and signed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.delivery import SCHEDULE_SECONDS
from monitor.instant import SECOND
from monitor.notification import BODY_BYTES, Content, MessageType, message
from monitor.receivers.webhook import signed_headers
from tests.claims.pages import blocks, read

PAGE = "docs/reference/webhook.md"
SECRET = "whsec_" + "QUJD" * 8
SHOWN = next(json.loads(block.text) for block in blocks(PAGE) if block.language == "json")
ACTION = {"id": "ac_1", "kind": "retrain", "status": "requested", "why": "gate_open", "expires_at": None, "fence": 1}
CALLBACK = {"callback": {"url": "http://127.0.0.1/api/v1/actions/ac_1", "token": "t"}}


def built(kind: MessageType = MessageType.FIRING, action: Any = None) -> tuple[dict[str, Any], bytes]:
    """Return the message that tells what the page's example tells, read and raw."""
    data = {key: value for key, value in SHOWN["data"].items() if key != "columns_total"}
    raw = message(kind, Content(**{**data, "action": action})).body
    return json.loads(raw), raw


def keys(value: Any) -> Iterator[str]:
    """Yield every key in a body, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def shape(value: Any) -> Any:
    """Return a body with its keys and their order, and no values."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    return [shape(inner) for inner in value] if isinstance(value, list) else None


def test_the_example_has_the_keys_of_a_message() -> None:
    """The body on the page has the keys of one that is built, in their order."""
    assert shape(SHOWN) == shape(built()[0])


@pytest.mark.parametrize("key", sorted(set(keys(built(MessageType.ACTION, ACTION | CALLBACK)[0])) - {"data"}))
def test_every_key_is_explained(key: str) -> None:
    """Each key of a message stands in the table of the page."""
    table = "".join(line for line in read(PAGE).splitlines(keepends=True) if line.startswith("|"))
    assert re.search(rf"`(data\.)?{key}`", table)


def test_the_verifier_takes_what_is_sent() -> None:
    """The program on the page verifies a delivery as the daemon signs it."""
    names: dict[str, Any] = {}
    exec(next(block.text for block in blocks(PAGE) if block.mark == "file: verify.py"), names)  # noqa: S102 - the page's
    event, raw = built()
    headers = signed_headers([SecretStr(SECRET)], event["id"], raw, int(time.time()) * SECOND)
    assert names["verified"](SECRET, raw, headers) == event


def test_every_header_is_explained() -> None:
    """Each header that is sent stands in the table of the page."""
    for header in signed_headers([SecretStr(SECRET)], "evt_1", b"{}", 0):
        assert f"| `{header}` |" in read(PAGE)


def test_waits_and_size_are_as_told() -> None:
    """The waits between tries and the largest body are those of the program."""
    units = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"random wait of up to (.*?);", read(PAGE), re.DOTALL)
    assert told
    waits = re.findall(r"(\d+) (s|min|h)\b", told[1])
    assert tuple(int(number) * units[unit] for number, unit in waits) == SCHEDULE_SECONDS
    assert f"At most {BODY_BYTES:,} bytes" in read(PAGE)
