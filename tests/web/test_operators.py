"""What a person may say to an action that waits, with what token, in what words."""

from __future__ import annotations

import json

import pytest
from litestar.types import ASGIApp

from monitor.web import Ruling, Verb
from tests.web.asking import Answer, ask
from tests.web.sample import ACTION, TOKEN, SampleView
from tests.web.test_api import is_problem

BY = {"by": "ann"}


def rule(app: ASGIApp, verb: str, body: object = BY, token: str | None = None, action: str = ACTION) -> Answer:
    """Rule on the sample's action."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    authorization = f"Bearer {verb}-{TOKEN}" if token is None else f"Bearer {token}"
    return ask(app, f"/api/v1/actions/{action}/{verb}", "POST", raw, authorization=authorization)


@pytest.mark.parametrize(("verb", "status"), [("approve", "requested"), ("reject", "withheld")])
def test_a_person_rules(app: ASGIApp, view: SampleView, verb: str, status: str) -> None:
    """The answer is the action as it stands now, and the person is named."""
    answer = rule(app, verb, {"by": " ann\u202e\n", "more": 1})
    assert (answer.status, answer.json["id"], answer.json["status"]) == (200, ACTION, status)
    assert view.rulings == [Ruling(Verb(verb), "ann")]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, f"reject-{TOKEN}"])
def test_another_token_approves_of_nothing(app: ASGIApp, view: SampleView, token: str) -> None:
    """Neither a job's token nor that to reject opens the way, and the answer does not tell what was wrong."""
    answer = rule(app, "approve", token=token)
    assert is_problem(answer, 401, "token_invalid")
    assert answer.body == rule(app, "approve", token="other").body
    assert view.rulings == []


def test_an_unknown_action_is_404(app: ASGIApp) -> None:
    """There is nothing to rule on."""
    assert is_problem(rule(app, "approve", action="ac_none"), 404, "action_unknown")


@pytest.mark.parametrize("second", ["approve", "reject"])
def test_a_second_word_is_409(app: ASGIApp, second: str) -> None:
    """What was ruled on waits no more."""
    assert rule(app, "approve").status == 200
    assert is_problem(rule(app, second), 409, "action_closed")


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 422, "by_missing", "/by"),
        ({"by": " \n"}, 422, "by_missing", "/by"),
        ({"by": 5}, 422, "by_invalid", "/by"),
        ({"by": "n" * 129}, 422, "by_invalid", "/by"),
        ([], 422, "not_object", ""),
        (b"{", 400, "json_syntax", None),
        (b" " * 4097, 413, "body_too_large", None),
    ],
    ids=["nothing", "blank", "number", "long", "list", "broken", "large"],
)
def test_a_body_that_names_nobody_is_refused(
    app: ASGIApp, body: object, status: int, code: str, pointer: str | None
) -> None:
    """Whoever rules is to be named, in a few words."""
    assert is_problem(rule(app, "approve", body), status, code, pointer)


def test_ruling_is_never_a_get(app: ASGIApp) -> None:
    """A link that is followed changes nothing."""
    assert ask(app, f"/api/v1/actions/{ACTION}/approve", authorization=f"Bearer approve-{TOKEN}").status in {404, 405}
