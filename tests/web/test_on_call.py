"""What a person on call may say of alerts, silences and deliveries, with what token, in what words."""

from __future__ import annotations

import json
from typing import Any

from litestar.types import ASGIApp

from monitor.instant import from_text
from monitor.web import Acknowledgement, SilenceAsked
from tests.web.asking import Answer, ask
from tests.web.sample import ALERT, TOKEN, SampleView, alert, delivery, silence
from tests.web.test_api import is_problem
from tests.web.test_pages import read

SILENCE = silence()["id"]
ASKED: dict[str, Any] = {
    "matchers": ["column=temp"],
    "ends_at": "2013-07-03T12:00:00Z",
    "by": "ann",
    "comment": "at it",
}


def say(app: ASGIApp, verb: str, path: str, body: object = None, method: str = "POST", token: str = "") -> Answer:
    """Say something, with the verb's own token unless another is given."""
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(app, f"/api/v1/{path}", method, raw, authorization=f"Bearer {token or f'{verb}-{TOKEN}'}")


def test_a_person_takes_an_alert_in_hand(app: ASGIApp, view: SampleView) -> None:
    """The answer is the alert as it stands now; names and notes lose what would forge a line."""
    answer = say(app, "ack", f"alerts/{ALERT}/ack", {"by": "ann\n", "note": "at\u202e it"})
    assert (answer.status, answer.json["acknowledged_by"], answer.json["note"]) == (200, "ann", "at it")
    assert view.said == [Acknowledgement("ann", "at it")]


def test_a_person_asks_for_silence_and_ends_it(app: ASGIApp, view: SampleView) -> None:
    """A silence is made from matchers, an end, a name and a comment; it is listed, and ended by name."""
    assert say(app, "silence", "silences", ASKED).status == 201
    assert ask(app, "/api/v1/silences").json["items"] == [silence()]
    assert say(app, "unsilence", f"silences/{SILENCE}?by=ann", method="DELETE").json["ended_by"] == "ann"
    assert view.said == [SilenceAsked(["column=temp"], from_text("2013-07-03T12:00:00Z"), "ann", "at it"), "ann"]


def test_a_person_has_a_message_sent_again(app: ASGIApp, view: SampleView) -> None:
    """What was given up is pending again; what was delivered is not."""
    dead, done = delivery(2)["id"], delivery(1)["id"]
    assert say(app, "retry", f"deliveries/{dead}/retry", {"by": "ann"}).json["status"] == "pending"
    assert is_problem(say(app, "retry", f"deliveries/{done}/retry", {"by": "ann"}), 409, "delivered_already")
    assert view.said == ["ann"]


def test_another_token_says_nothing(app: ASGIApp, view: SampleView) -> None:
    """Neither a stranger's token nor a job's is heard."""
    for path, method in (
        (f"alerts/{ALERT}/ack", "POST"),
        ("silences", "POST"),
        (f"silences/{SILENCE}?by=eve", "DELETE"),
        (f"deliveries/{delivery(2)['id']}/retry", "POST"),
    ):
        for token in ("wrong", TOKEN):
            assert is_problem(say(app, "", path, ASKED, method, token), 401, "token_invalid"), path
    assert view.said == []


LACKING: list[tuple[dict[str, Any], str, str]] = [
    ({"matchers": "model=a"}, "matchers_missing", "/matchers"),
    ({"matchers": [5]}, "matcher_invalid", "/matchers"),
    ({"ends_at": None}, "ends_at_missing", "/ends_at"),
    ({"ends_at": "soon"}, "ends_at_invalid", "/ends_at"),
    ({"starts_at": 5}, "starts_at_invalid", "/starts_at"),
    ({"by": " "}, "by_missing", "/by"),
    ({"comment": ""}, "comment_missing", "/comment"),
]


def test_a_silence_that_lacks_something_is_422(app: ASGIApp) -> None:
    """What is not said, or cannot be read, is named."""
    for change, code, pointer in LACKING:
        assert is_problem(say(app, "silence", "silences", ASKED | change), 422, code, pointer), code


def test_what_there_is_not_is_404(app: ASGIApp) -> None:
    """Nothing can be said of what is not there."""
    for verb, path, method, code in (
        ("ack", "alerts/al_none/ack", "POST", "alert_unknown"),
        ("unsilence", "silences/si_none?by=ann", "DELETE", "silence_unknown"),
        ("retry", "deliveries/dl_none/retry", "POST", "delivery_unknown"),
    ):
        assert is_problem(say(app, verb, path, {"by": "ann"}, method), 404, code)


def test_the_pages_show_who_is_at_it_and_what_is_silent(app: ASGIApp, view: SampleView) -> None:
    """The overview says first that nobody is told of anything; an alert's page has the commands to say something."""
    view.body["silences"] = [silence(everything=True)]
    said = {"acknowledged_by": "ann", "acknowledged_at": "2013-07-03T09:00:00Z", "note": "at it"}
    view.all_alerts[0] = alert() | said | {"withheld": {"why": "silenced", "by": SILENCE}}
    overview, page = read(app, "/").text, read(app, f"/alerts/{ALERT}").text
    assert "A silence withholds every message; 1 alert firing" in overview
    assert [text for text in (SILENCE, "the sensor is away", "everything") if text not in overview] == []
    assert [
        text for text in ("ann", "at it", "withheld: silenced", "driftline alerts silence") if text not in page
    ] == []
