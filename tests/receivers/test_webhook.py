from __future__ import annotations

import base64
import gzip
import json
import logging
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND
from monitor.receivers import Network, WebhookSettings, address, send
from monitor.receivers.address import read_url
from monitor.receivers.network import Target, system_connect
from monitor.receivers.sender import Answer, Post, post
from monitor.receivers.webhook import signed_headers
from tests.scripted_http import Handler, ScriptedServer, answer, drip, flood, hang_up, raw, reset, scripted, silent

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


# --- signing ---------------------------------------------------------------------------------------------------------


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
        headers[tampered] = value[:-2] + ("1" if value[-2] != "1" else "2") + value[-1]
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


# --- answers ---------------------------------------------------------------------------------------------------------


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


# --- hostile receivers -----------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"

HOSTILE: dict[str, tuple[Handler, str]] = {
    "silent": (silent, "timeout"),
    "drips its status line": (drip(b"", b"H"), "timeout"),
    "drips headers": (drip(HEAD, b"X-Slow: 1\r\n"), "timeout"),
    "drips one header": (drip(HEAD + b"X-Slow: ", b"a"), "timeout"),
    "endless headers": (flood(HEAD, b"X-Fast: " + b"a" * 1000 + b"\r\n"), "protocol_error"),
    "one endless header": (flood(HEAD + b"X-Fast: ", b"a" * 1000), "protocol_error"),
    "endless informational answers": (
        flood(b"", b"HTTP/1.1 103 Hint\r\nX-Fast: " + b"a" * 1000 + b"\r\n\r\n"),
        "protocol_error",
    ),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol_error"),
    "half an answer": (raw(HEAD + b"Content-Le"), "protocol_error"),
    "resets": (reset, "connection_lost"),
    "hangs up": (hang_up, "connection_lost"),
}


@pytest.mark.parametrize(("handler", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_receiver_that_does_not_answer_fails_within_the_deadline(handler: Handler, reason: str) -> None:
    """Whatever a receiver does instead of answering, the attempt ends at its deadline and may be made again."""
    began = time.monotonic()
    error = failure(handler, timeout="600ms")
    assert isinstance(error, DeliveryFailed)
    assert error.reason == reason
    assert time.monotonic() - began < 3


LENGTHY = HEAD + b"Content-Length: 268435456\r\n\r\n"
BOMB = gzip.compress(bytes(64 * 2**20))
AFTER_THE_STATUS: dict[str, Handler] = {
    "drips its body": drip(LENGTHY, b"o"),
    "floods its body": flood(LENGTHY, b"o" * 65536),
    "a bomb": answer(200, "Content-Encoding: gzip", body=BOMB),
    "a body cut short": raw(LENGTHY + b"ok"),
    "a broken chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@pytest.mark.parametrize("handler", AFTER_THE_STATUS.values(), ids=AFTER_THE_STATUS.keys())
def test_after_a_good_status_the_body_changes_nothing(handler: Handler) -> None:
    """A receiver that has answered 200 has the message; what it sends behind costs neither time nor memory."""
    began = time.monotonic()
    with scripted(handler) as server:
        tracemalloc.start()
        try:
            deliver(server, timeout="600ms")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert time.monotonic() - began < 3
    assert peak < 2 * 2**20


def test_of_an_answer_the_beginning_is_kept() -> None:
    """The first 4 KiB of a body are there for a dialect whose success is a word, and no more."""
    with scripted(answer(200, "Retry-After: 9", body=b"ok" * 5000)) as server:
        got = post(Post(read_url(server.url), {}, b"{}", 1.0), Network())
    assert got == Answer(200, "9", b"ok" * 2048)


def test_no_listener_is_a_failure_to_connect() -> None:
    """A closed port is named as such."""
    with scripted(OK) as server:
        pass
    with pytest.raises(DeliveryFailed) as caught:
        deliver(server)
    assert (caught.value.reason, str(caught.value)) == (
        "connect_failed",
        f"http://127.0.0.1:{server.port}/...: no connection (Connection refused)",
    )


def test_a_name_server_that_hangs_ends_with_the_deadline() -> None:
    """A lookup that takes longer than the deadline is left behind."""

    def hanging(_host: str, _port: int) -> list[Target]:
        time.sleep(1)
        return []

    began = time.monotonic()
    with pytest.raises(DeliveryFailed) as caught:
        send(settings("http://hooks.example/", timeout="200ms"), ID, BODY, now(), Network(resolve=hanging))
    assert caught.value.reason == "dns_failed"
    assert time.monotonic() - began < 0.9


def test_lookups_that_hang_are_bounded() -> None:
    """When eight lookups hang, the ninth fails at once and starts no thread."""
    network = Network()
    for _ in range(8):
        network.lookups.acquire()
    with pytest.raises(DeliveryFailed, match="too many lookups hang"):
        send(settings("http://127.0.0.1:9/"), ID, BODY, now(), network)


@pytest.mark.parametrize("fault", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_without_an_address_may_have_one_later(fault: Exception) -> None:
    """A name that cannot be resolved is a failure, for name servers come back."""

    def failing(_host: str, _port: int) -> list[Target]:
        raise fault

    with pytest.raises(DeliveryFailed) as caught:
        send(settings("http://hooks.example/"), ID, BODY, now(), Network(resolve=failing))
    assert caught.value.reason == "dns_failed"


def test_the_next_address_is_tried_when_one_is_dead() -> None:
    """A name with a dead and a living address is delivered to."""
    with scripted(OK) as server:
        targets = [Target(2, ("127.0.0.2", server.port)), Target(2, ("127.0.0.1", server.port))]
        network = Network(resolve=lambda _host, _port: targets, connect=system_connect)
        send(settings(f"http://jobs.example:{server.port}/"), ID, BODY, now(), network)
    assert server.requests[0].headers["host"] == f"jobs.example:{server.port}"


@pytest.mark.parametrize(
    ("host", "said"),
    [("[::1]", "[::1]"), ("Müller.example", "xn--mller-kva.example"), ("JOBS.example", "jobs.example")],
)
def test_the_host_is_named_as_http_wants_it(host: str, said: str) -> None:
    """The Host header has an IPv6 address in brackets and a name in ASCII."""
    with scripted(OK) as server:
        network = Network(resolve=lambda _host, port: [Target(2, ("127.0.0.1", port))])
        send(settings(f"http://{host}:{server.port}/"), ID, BODY, now(), network)
    assert server.requests[0].headers["host"] == f"{said}:{server.port}"


# --- settings --------------------------------------------------------------------------------------------------------


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


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Listen to everything at DEBUG, also to libraries that were told to be quiet."""
    names = ["httpx", "httpcore", "httpcore.connection", "httpcore.http11", ""]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    "handler", [OK, answer(500), answer(404), raw(b"pathcanary"), hang_up, drip(HEAD, b"X: 1\r\n")]
)
def test_no_secret_is_logged_or_raised(handler: Handler, logged: pytest.LogCaptureFixture) -> None:
    """Whatever comes back, neither a log at DEBUG nor an exception with its causes shows path, query, key or body."""
    told = ""
    with scripted(handler) as server:
        try:
            deliver(server, timeout="300ms")
        except (DeliveryFailed, DeliveryRefused) as error:
            told = "".join(traceback.format_exception(error)) + repr(error)
    seen = told + logged.text
    leaks = ("pathcanary", "querycanary", SECRET[6:], "secretcanary", "Größe")
    assert [leak for leak in leaks if leak in seen] == []
    assert logged.records, "the listener heard nothing, so this test would prove nothing"


@given(st.binary(min_size=24, max_size=64))
def test_every_key_of_the_scheme_is_accepted(key: bytes) -> None:
    """Any 24 to 64 bytes are a key, and a receiver with that key accepts what it signs."""
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers(settings("http://a.example/", secret=secret).secret, ID, BODY, now())
    assert Webhook(key).verify(BODY, headers) == json.loads(BODY)
