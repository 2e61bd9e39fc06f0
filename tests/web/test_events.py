"""Inference events that are sent to ``/``: what is an event, where it goes, and that nothing gets a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.v1.event import CloudEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.sources.formats.event import EventInvalid, binary, from_line, structured
from monitor.sources.spool import stream
from tests.web.asking import Answer, ask
from tests.web.entrance import Entrance, code
from tests.web.sample import MODEL

REQUEST = "org.kubeflow.serving.inference.request"
BODY = b'{"instances": [[34, 0.2]]}'
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "2f0f",
    "ce_source": "pod",
    "ce_type": REQUEST,
    "ce_inferenceservicename": MODEL,
    "content_type": "application/json",
}
"""KServe's, but for what nobody needs; underscores stand for hyphens."""
OBJECT = {"specversion": "1.0", "id": "1", "source": "pod", "type": REQUEST, "inferenceservicename": MODEL}


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    """Lend an application whose model takes records, targets and events."""
    made = Entrance(tmp_path)
    made.doors.services = {MODEL: ((None, MODEL),)}
    yield made
    made.syncer.stop()


def send(entrance: Entrance, body: bytes, **headers: str) -> Answer:
    """Send a body to ``/``."""
    return ask(entrance.app, "/", "POST", body, **headers)


def kept(entrance: Entrance, role: str = "records") -> list[Any]:
    """Return the events that lie in a spool."""
    entrance.syncer.stop()
    return [from_line(frame.data) for frame in stream.read(entrance.folder / role, 0, 2**20).frames if frame.data]


def test_an_event_of_kserve_is_kept_and_answered_with_200(entrance: Entrance) -> None:
    """KServe takes any other status for a failure; the answer comes once the event is on the disk."""
    answer = send(entrance, BODY, **HEADERS)
    assert (answer.status, answer.body) == (200, b"")
    assert [(event.id, event.service, event.body) for event in kept(entrance)] == [("2f0f", MODEL, BODY)]


@pytest.mark.parametrize("write", [to_binary, to_structured])
def test_what_the_official_library_writes_is_read(entrance: Entrance, write: Any) -> None:
    """An event that CloudEvents' own library writes, in binary or structured mode, is taken."""
    from cloudevents.core.formats.json import JSONFormat

    event = CloudEvent({**OBJECT, "subject": "Grüße, 100 %"}, {"instances": [[1]]})
    message = write(event, JSONFormat())
    headers = {name.replace("-", "_").lower(): value for name, value in message.headers.items()}
    assert send(entrance, message.body, **headers).status == 200
    found = kept(entrance)[0]
    assert (found.id, found.more["subject"], json.loads(found.body)) == ("1", "Grüße, 100 %", {"instances": [[1]]})


def test_feedback_goes_to_the_targets(entrance: Entrance) -> None:
    """A feedback event is kept where the model's targets are."""
    assert send(entrance, b"{}", **HEADERS | {"ce_type": "io.seldon.serving.feedback"}).status == 200
    assert len(kept(entrance, "targets")) == 1


def test_a_batch_is_an_event_each(entrance: Entrance) -> None:
    """Events of a batch are kept one by one."""
    body = json.dumps([OBJECT, OBJECT | {"id": "2"}]).encode()
    assert send(entrance, body, content_type="application/cloudevents-batch+json").status == 200
    assert [event.id for event in kept(entrance)] == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (BODY, HEADERS | {"ce_specversion": "2.0"}, (400, "event_invalid")),
        (BODY, HEADERS | {"ce_id": ""}, (400, "event_invalid")),
        (BODY, HEADERS | {"ce_source": "%ff"}, (400, "event_invalid")),
        (BODY, HEADERS | {"ce_type": "com.example.other"}, (422, "event_type_unknown")),
        (BODY, HEADERS | {"ce_inferenceservicename": "nobody"}, (404, "service_unknown")),
        (BODY, {"content_type": "application/json"}, (415, "media_type_unsupported")),
        (b" " * (2**20 + 1), HEADERS, (413, "body_too_large")),
        (b"{}", {"content_type": "application/cloudevents+json"}, (400, "event_invalid")),
        (b"[" * 9999, {"content_type": "application/cloudevents+json"}, (400, "event_invalid")),
        (b"{}", {"content_type": "application/cloudevents-batch+json"}, (400, "event_invalid")),
    ],
)
def test_what_is_no_event_says_why(
    entrance: Entrance, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """What cannot be taken is refused as a problem, and nothing of it is kept."""
    assert code(send(entrance, body, **headers)) == expected
    assert kept(entrance) == []


@pytest.mark.parametrize(
    ("given", "read"), [("a%20b", "a b"), ('"a \\"b\\""', 'a "b"'), ("100%25", "100%"), ("Gr%C3%BC%C3%9Fe", "Grüße")]
)
def test_headers_are_decoded_once(given: str, read: str) -> None:
    """Quotes are undone, then one round of percent-encoding."""
    headers = {name.replace("_", "-"): value for name, value in HEADERS.items()}
    assert binary({**headers, "ce-subject": given}, b"").more["subject"] == read


@pytest.mark.parametrize("extra", [{"data": 1, "data_base64": "YQ=="}, {"data_base64": "?"}, {"data_base64": 5}])
def test_data_is_given_once_and_whole(extra: dict[str, Any]) -> None:
    """``data`` and ``data_base64`` exclude each other, and the latter is base64."""
    with pytest.raises(EventInvalid):
        structured(json.dumps(OBJECT | extra).encode())


def test_who_asks_first_may_send(entrance: Entrance) -> None:
    """The handshake of CloudEvents' webhooks is answered, and no browser is let in by it."""
    answer = ask(entrance.app, "/", "OPTIONS", webhook_request_origin="eventemitter.example.com")
    assert answer.headers["webhook-allowed-origin"] == "eventemitter.example.com"
    assert "access-control-allow-origin" not in answer.headers


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
ANY_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(HEADERS, VALUES | st.sampled_from([REQUEST, MODEL, "1.0", "%41", '"a'])),
        "ce_metadata": VALUES,
        "content_type": st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch+json", "a/b"]),
    },
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OBJECT, "data"]), inner),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.binary(max_size=40)
    | (
        ANYTHING
        | st.builds(lambda other: OBJECT | other, st.dictionaries(st.sampled_from([*OBJECT, "data"]), ANYTHING))
    ).map(lambda given: json.dumps(given).encode()),
    headers=ANY_HEADERS | st.just(HEADERS),
)
def test_no_event_gets_a_500(entrance: Entrance, body: bytes, headers: dict[str, str]) -> None:
    """Whatever is sent is taken, or refused as the sender's fault."""
    assert send(entrance, body, **headers).status in {200, 400, 404, 413, 415, 422}
