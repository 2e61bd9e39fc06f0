from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND
from monitor.receivers import Network, send
from monitor.receivers.webhook import signed_headers
from tests.scripted_http import answer, scripted
from tests.sending import BODY, ID, OK, OTHER, SECRET, deliver, failure, now, settings


def test_signature_is_the_known_vector() -> None:
    """The secret, id, second and body of the published vector give its signature."""
    body = b'{"type":"drift.detected","timestamp":"2026-11-21T22:00:00Z","data":{"model":"churn"}}'
    key = SecretStr("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    headers = signed_headers([key], "msg_01JD8Z3V5W", body, 1_795_298_400 * SECOND + 999_999)
    assert headers["webhook-timestamp"] == "1795298400"
    assert headers["webhook-signature"] == "v1,vEOkU2EwaQ/uPezaguddiaWNr7+1nAuPUHsfD+O70+s="


def test_the_official_verifier_accepts_what_was_received() -> None:
    """What a receiver gets is accepted by the official library and says what was sent."""
    with scripted(OK) as server:
        deliver(server)
    got = server.requests[0]
    assert Webhook(SECRET).verify(got.body, got.headers) == json.loads(BODY)


@pytest.mark.parametrize("tampered", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
def test_the_official_verifier_refuses_what_was_changed(tampered: str) -> None:
    """A changed body, id, second or signature is refused."""
    headers = signed_headers([SecretStr(SECRET)], ID, BODY, now())
    body = BODY + b" " if tampered == "body" else BODY
    if tampered != "body":
        value = headers[tampered]
        at = len(value) // 2  # the last letter of base64 has bits that mean nothing
        headers[tampered] = value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1 :]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


def test_the_official_verifier_refuses_what_is_old() -> None:
    """A request recorded six minutes ago is refused."""
    headers = signed_headers([SecretStr(SECRET)], ID, BODY, now() - 360 * SECOND)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(BODY, headers)


@pytest.mark.parametrize("key", [SECRET, OTHER])
def test_while_keys_change_both_verify(key: str) -> None:
    """With two keys, a receiver that knows either accepts the request."""
    with scripted(OK) as server:
        deliver(server, secret=[SECRET, OTHER])
    got = server.requests[0]
    Webhook(key).verify(got.body, got.headers)


def test_after_the_change_only_the_new_key_verifies() -> None:
    """A key that was taken out of the settings no longer signs."""
    with scripted(OK) as server:
        deliver(server, secret=OTHER)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(server.requests[0].body, server.requests[0].headers)


def test_the_request_says_what_it_is() -> None:
    """A POST to path and query, with the type of a CloudEvent, the id twice, and no compression asked for."""
    with scripted(OK) as server:
        deliver(server)
    got = server.requests[0]
    assert got.line == "POST /hooks/pathcanary?token=querycanary HTTP/1.1"
    assert {
        name: got.headers[name] for name in ("content-type", "accept-encoding", "webhook-id", "idempotency-key")
    } == {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "accept-encoding": "identity",
        "webhook-id": ID,
        "idempotency-key": ID,
    }
    assert got.headers["user-agent"].startswith("driftline/")
    assert got.headers["host"] == f"127.0.0.1:{server.port}"


def test_a_resend_has_the_same_body_and_id_and_another_second() -> None:
    """Two tries differ in their second and signature alone."""
    with scripted(OK) as server:
        for second in (1_767_600_000, 1_767_600_005):
            send(settings(server.url), ID, BODY, second * SECOND, Network())
    first, again = server.requests
    differing = {name for name in first.headers if first.headers[name] != again.headers[name]}
    assert (first.body, differing) == (again.body, {"webhook-timestamp", "webhook-signature"})


@given(st.binary(min_size=24, max_size=64))
def test_every_key_of_the_scheme_is_accepted(key: bytes) -> None:
    """Any 24 to 64 bytes are a key, and a receiver with that key accepts what it signs."""
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers(settings("http://a.example/", secret=secret).secret, ID, BODY, now())
    assert Webhook(key).verify(BODY, headers) == json.loads(BODY)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_success_raises_nothing(status: int) -> None:
    """A receiver that answers 2xx has the message."""
    with scripted(answer(status)) as server:
        deliver(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_refusal_may_succeed_later(status: int) -> None:
    """408, 425, 429 and 5xx are failures, with the wait that was asked for."""
    error = failure(answer(status, "Retry-After: 7"))
    assert isinstance(error, DeliveryFailed)
    assert error.retry_after == 7


@pytest.mark.parametrize(("status", "disable"), [(400, False), (401, False), (404, False), (410, True), (422, False)])
def test_a_lasting_refusal_is_one(status: int, disable: bool) -> None:
    """Other 4xx are refusals, and 410 asks never to be called again."""
    error = failure(answer(status))
    assert isinstance(error, DeliveryRefused)
    assert error.disable is disable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    """A redirect ends the delivery, and the place it names sees no connection."""
    with scripted(OK) as second:
        error = failure(answer(status, f"Location: {second.url}"))
    assert (error.reason, second.connections) == (Reason.REDIRECTED, 0)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_no_proxy_of_the_environment_is_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named by the environment, which would see the message and pass the address rules, gets no connection."""
    with scripted(OK) as proxy, scripted(OK) as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        deliver(server)
    assert (proxy.connections, len(server.requests)) == (0, 1)
