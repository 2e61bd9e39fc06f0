"""Records that are sent: what is taken, what is refused and how that is said, and that nothing gets a 500."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.asking import ask
from tests.web.entrance import JSON, NDJSON, RECORDS, TARGETS, Entrance, code
from tests.web.sample import OTHER

GOOD = {"timestamp": "2026-01-05T00:00:00Z", "inputs": {"x": 1}}


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    """Lend an application that takes records."""
    made = Entrance(tmp_path)
    yield made
    made.syncer.stop()


def lines(*rows: Any) -> bytes:
    """Return rows as NDJSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (lines(GOOD, GOOD), NDJSON),
        (lines(GOOD, GOOD).rstrip(), "application/jsonl; charset=utf-8"),
        (b"\xef\xbb\xbf" + lines(GOOD).replace(b"\n", b"\r\n") + b"\n \n" + lines(GOOD), NDJSON),
        (json.dumps([GOOD, GOOD], indent=2).encode(), JSON),
        (b" [" + json.dumps(GOOD).encode() + b" , \n" + json.dumps(GOOD).encode() + b"] ", JSON),
    ],
)
def test_an_array_and_lines_are_the_same(entrance: Entrance, body: bytes, kind: str) -> None:
    """However records are written, they are on the disk as they were sent when the answer comes."""
    answer = entrance.send(body, content_type=kind)
    assert (answer.status, answer.json) == (202, {"accepted": 2, "rejected": []})
    assert [row for row, _ in entrance.frames()] == [[GOOD, GOOD]]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_bodies_are_unpacked(entrance: Entrance, packing: str) -> None:
    """A body may be packed by gzip or zstd."""
    packed = pa.compress(lines(GOOD), codec=packing, asbytes=True)
    assert entrance.send(packed, content_encoding=packing).json == {"accepted": 1, "rejected": []}


def test_good_records_pass_beside_bad_ones(entrance: Entrance) -> None:
    """Each bad record is named by its place, why, and where in it; only the good ones are kept, the others counted."""
    body = lines(GOOD, {"inputs": {}}, 5, GOOD | {"timestamp": "2026-02-30"}) + b"{]\n\n" + lines(GOOD)
    found = entrance.send(body).json
    assert found == {
        "accepted": 2,
        "rejected": [
            {"index": 1, "code": "timestamp_missing", "pointer": "/1/timestamp"},
            {"index": 2, "code": "not_object", "pointer": "/2"},
            {"index": 3, "code": "timestamp_invalid", "pointer": "/3/timestamp"},
            {"index": 4, "code": "json_syntax", "pointer": "/4"},
        ],
    }
    counts = {"timestamp_missing": 1, "not_object": 1, "timestamp_invalid": 1, "json_syntax": 1}
    assert entrance.frames() == [([GOOD, GOOD], counts)]


def test_none_that_passes_is_a_problem(entrance: Entrance) -> None:
    """Where no record passes, the answer is a 422 that names each, and they are counted."""
    answer = entrance.send(lines(5, {}))
    assert code(answer) == (422, "not_object")
    assert [each["code"] for each in answer.json["rejected"]] == ["not_object", "timestamp_missing"]
    assert entrance.frames() == [([], {"not_object": 1, "timestamp_missing": 1})]


def test_a_target_needs_an_id_and_no_time(entrance: Entrance) -> None:
    """A target without the id of its record is refused; one without a time is not."""
    found = entrance.send(lines({"request_id": "a", "target": 1}, {"target": 1}), TARGETS).json
    assert found == {"accepted": 1, "rejected": [{"index": 1, "code": "id_missing", "pointer": "/1/request_id"}]}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"[" + lines(GOOD), {"content_type": JSON}, (400, "json_syntax")),
        (b"[{}] x", {"content_type": JSON}, (400, "json_syntax")),
        (b"[{},]", {"content_type": JSON}, (400, "json_syntax")),
        (b"[" * 100_000, {"content_type": JSON}, (400, "json_syntax")),
        (b'["\xff"]', {"content_type": JSON}, (400, "encoding")),
        (lines(GOOD), {"content_type": "text/plain"}, (415, "media_type_unsupported")),
        (lines(GOOD), {"content_type": ""}, (415, "media_type_unsupported")),
        (lines(GOOD), {"content_encoding": "br"}, (415, "media_type_unsupported")),
        (lines(GOOD), {"content_encoding": "gzip"}, (400, "encoding")),
        (gzip.compress(lines(GOOD), mtime=0)[:-9], {"content_encoding": "gzip"}, (400, "encoding")),
        (b" " * (2**20 + 1), {}, (413, "body_too_large")),
        (gzip.compress(b" " * 2**24, mtime=0), {"content_encoding": "gzip"}, (413, "body_too_large")),
        (pa.compress(b" " * 2**24, codec="zstd", asbytes=True), {"content_encoding": "zstd"}, (413, "body_too_large")),
        (b"{}\n" * 10_001, {}, (413, "body_too_large")),
        (b"", {"content_length": "99999999"}, (413, "body_too_large")),
    ],
)
def test_a_body_that_is_refused_says_why(
    entrance: Entrance, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """A body that cannot be taken at all has a code of its own, is counted under it, and none of it is kept."""
    assert code(entrance.send(body, **headers)) == expected
    assert entrance.frames() == [([], {expected[1]: 1})]


def test_no_answer_shows_what_was_sent(entrance: Entrance) -> None:
    """Neither a problem nor a refused record shows any value."""
    bodies = [
        b'{"jane@example.com" 5}\n',
        b'["jane@example.com", {"timestamp": "jane@example.com"}]',
        b'["jane@example.com"',
    ]
    assert not any(b"jane" in entrance.send(body).body for body in bodies)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/models/nobody/records", (404, "model_unknown")),
        (f"/api/v1/models/{OTHER}/records", (404, "source_unknown")),
    ],
)
def test_a_model_that_takes_nothing_says_so(entrance: Entrance, path: str, expected: tuple[int, str]) -> None:
    """A model that there is not, and one whose source is no HTTP, are told apart."""
    assert code(entrance.send(lines(GOOD), path)) == expected


def test_a_look_at_the_address_is_not_allowed(entrance: Entrance) -> None:
    """GET is answered with what is allowed."""
    answer = ask(entrance.app, RECORDS)
    assert (answer.status, sorted(answer.headers["allow"].split(", "))) == (405, ["OPTIONS", "POST"])


def test_over_capacity_senders_are_put_off(tmp_path: Path) -> None:
    """Once as much waits as may, senders get 429 and when to come again; what was taken before is kept."""
    entrance = Entrance(tmp_path, capacity=300)
    answers = [entrance.send(lines(GOOD)) for _ in range(5)]
    taken = [answer.status for answer in answers].count(202)
    assert [code(answer) for answer in answers[taken:]] == [(429, "over_capacity")] * (5 - taken)
    assert answers[-1].headers["retry-after"] == "1"
    assert len(entrance.frames()) == taken > 0


def test_a_spool_that_cannot_be_written_is_no_fault_of_the_sender(tmp_path: Path) -> None:
    """Where the disk does not take it, the answer is 503 and when to come again."""
    entrance = Entrance(tmp_path)
    (tmp_path / "records").touch()
    answer = entrance.send(lines(GOOD))
    assert (code(answer), answer.headers["retry-after"]) == ((503, "spool_not_writable"), "5")
    entrance.syncer.stop()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["timestamp", "inputs", "a"]), inner),
    max_leaves=6,
)
BODIES = (
    st.binary(max_size=60)
    | st.lists(ANYTHING, max_size=4).map(lambda rows: json.dumps(rows).encode())
    | st.lists(ANYTHING, max_size=4).map(lambda rows: lines(*rows))
)
HEADERS = st.fixed_dictionaries(
    {"content_type": st.sampled_from([JSON, NDJSON, "text/csv", ""])},
    optional={"content_encoding": st.sampled_from(["gzip", "zstd", "identity", "br", "\x00"])},
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=BODIES, headers=HEADERS, path=st.sampled_from([RECORDS, TARGETS]))
def test_no_body_gets_a_500(entrance: Entrance, body: bytes, headers: dict[str, str], path: str) -> None:
    """Whatever is sent is taken, or refused as the sender's fault."""
    answer = entrance.send(body, path, **headers)
    assert answer.status in {202, 400, 413, 415, 422}
    assert answer.status != 202 or set(answer.json) == {"accepted", "rejected"}
