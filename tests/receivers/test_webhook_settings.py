from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.receivers import address
from tests.sending import OTHER, SECRET, settings


def test_a_secret_may_be_one_or_two() -> None:
    """One secret is written as a word, two as a list."""
    assert len(settings("http://a.example/").secret) == 1
    assert len(settings("http://a.example/", secret=[SECRET, OTHER]).secret) == 2


def fault(**changed: Any) -> str:
    """Return what pydantic says of settings that it refuses."""
    with pytest.raises(ValidationError) as caught:
        settings(**({"url": "http://a.example/pathcanary"} | changed))
    return str(caught.value)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("whsec_c2VjcmV0Y2FuYXJ5", "12 bytes; expected 24 to 64"),
        ("whsec_" + base64.b64encode(b"secretcanary" * 6).decode(), "72 bytes; expected 24 to 64"),
        ("whsec_secretcanary-not-base64!", "not base64 after whsec_"),
        (SECRET[:20] + "\n" + SECRET[20:], "not base64 after whsec_"),
        ("secretcanary-without-a-prefix-0123456789", "not a signing secret"),
        ("whsk_c2VjcmV0Y2FuYXJ5c2VjcmV0Y2FuYXJ5", "not a signing secret"),
        ("", "not a signing secret"),
        ([SECRET, OTHER, SECRET], "at most 2 items"),
        ([], "at least 1 item"),
    ],
)
def test_a_weak_secret_is_refused_without_being_shown(secret: Any, said: str) -> None:
    """A secret that is too short, too long or no secret is described by its length alone."""
    told = fault(secret=secret)
    assert said in told
    assert "canary" not in told


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "ftp://a.example/pathcanary"},
        {"url": "http://user:pwcanary@a.example/pathcanary"},
        {"timeout": "0s"},
        {"timeout": "61s"},
        {"name": "Team canary"},
        {"colour": "canary"},
    ],
)
def test_a_fault_does_not_quote_what_it_refuses(changed: dict[str, Any]) -> None:
    """No fault of a receiver's settings quotes their values."""
    assert "canary" not in fault(**changed)


def test_settings_do_not_show_their_secrets() -> None:
    """Neither text, representation nor JSON of the settings shows URL or secret."""
    given = settings("http://a.example/pathcanary")
    assert not {"pathcanary", SECRET} & set(f"{given} {given!r} {given.model_dump_json()}".split('"'))
    assert "canary" not in f"{given!r}{given.model_dump_json()}"


def test_the_address_is_shown_without_its_path() -> None:
    """What operators see is scheme, host and port."""
    assert address(settings("https://hooks.example:8443/T0/pathcanary?key=querycanary")) == (
        "https://hooks.example:8443/..."
    )
