"""Several messages as one: whole, short enough, the same each time, and readable."""

from __future__ import annotations

import json

from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from monitor.instant import from_text
from monitor.notification import BODY_BYTES, Content, MessageType, digest_message, message
from monitor.wording import sentences, title
from tests.outbox import ALERT, WINDOW

AT = from_text("2026-01-05T08:00:00Z")
FACTS = {"id": "al_a", "severity": "warning", "reason": "first_time"}


def bodies(number: int) -> list[bytes]:
    """Return the messages of so many alerts, the last of them grave."""
    graves = ["warning"] * (number - 1) + ["critical"]
    columns = [{"name": name} for name in ("temp", "dewp")]
    contents = [Content(ALERT | FACTS | {"severity": grave}, WINDOW, columns) for grave in graves]
    return [message(MessageType.FIRING, content).body for content in contents]


def test_a_digest_says_what_each_message_said() -> None:
    """It has every key of a message, an entry for each in their order, and is as grave as the gravest."""
    digest = digest_message("team", bodies(3), AT, "http://127.0.0.1:10464")
    event = json.loads(digest.body)
    one = json.loads(bodies(1)[0])
    assert (event["type"], event["data"]["alert"]["severity"]) == ("io.driftline.digest", "critical")
    assert [key for key in one["data"] if key not in event["data"]] == []
    assert [item["columns"] for item in event["data"]["items"]] == [["temp", "dewp"]] * 3
    assert digest == digest_message("team", bodies(3), AT, "http://127.0.0.1:10464")
    assert digest.id != digest_message("lead", bodies(3), AT, "http://127.0.0.1:10464").id


def test_a_long_digest_leaves_out_and_counts() -> None:
    """What does not fit is counted, in the message and in its words."""
    event = json.loads(digest_message("team", bodies(300), AT, "http://127.0.0.1:10464").body)
    left = 300 - len(event["data"]["items"])
    assert len(json.dumps(event, separators=(",", ":"))) <= BODY_BYTES
    assert (event["data"]["items_total"], sentences(event)[-1]) == (300, f"And {left} more, on the page.")


def test_a_digest_reads_as_a_list() -> None:
    """The title counts, and a line says when, what and which columns."""
    event = json.loads(digest_message("team", bodies(2), AT, "http://127.0.0.1:10464").body)
    assert title(event) == "2 messages of Driftline"
    assert sentences(event)[0] == "2013-07-01T10:00:00Z churn version 3: drift: temp, dewp."


def test_a_digest_is_a_cloudevent() -> None:
    """An independent reader takes it for one."""
    digest = digest_message("team", bodies(2), AT, "http://127.0.0.1:10464")
    sent = HTTPMessage({"content-type": "application/cloudevents+json; charset=utf-8"}, digest.body)
    read = from_structured(sent, JSONFormat())
    assert (read.get_type(), read.get_id()) == ("io.driftline.digest", digest.id)
