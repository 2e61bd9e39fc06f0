"""What a retraining job may say, with what token, in what words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import ASGIApp

from monitor.web import Problem, Report, Step, create_app
from monitor.web.jobs import read_report
from tests.web.asking import Answer, ask
from tests.web.sample import ACTION, TOKEN, SampleView
from tests.web.test_api import is_problem

AUTHORIZATION = f"Bearer {TOKEN}"


class Breaking(SampleView):
    """A daemon whose rows cannot be read to the end."""

    def action_rows(self, id: str, token: str) -> Iterator[bytes]:
        yield b"PAR1"
        raise ValueError("a page of the file is damaged")


def say(app: ASGIApp, step: str, body: object = None, authorization: str = AUTHORIZATION) -> Answer:
    """Report a step of the sample's action."""
    raw = b"" if body is None else json.dumps(body).encode()
    return ask(app, f"/api/v1/actions/{ACTION}/{step}", "POST", raw, authorization=authorization)


def test_a_job_says_that_it_started(app: ASGIApp, view: SampleView) -> None:
    """``started`` needs no body, and the answer is the action as it stands now."""
    answer = say(app, "started")
    assert (answer.status, answer.json["id"], answer.json["status"]) == (200, ACTION, "started")
    assert view.reports == [Report(Step.STARTED)]


def test_a_job_says_that_it_succeeded(app: ASGIApp, view: SampleView) -> None:
    """``succeeded`` names the new version and how many rows it was trained on."""
    assert say(app, "succeeded", {"version": "2", "rows": 41_200, "more": 1}).status == 200
    assert view.reports == [Report(Step.SUCCEEDED, version="2", rows=41_200)]


def test_a_job_says_that_it_failed(app: ASGIApp, view: SampleView) -> None:
    """``failed`` may say why."""
    assert say(app, "failed", {"why": "no convergence"}).status == 200
    assert view.reports == [Report(Step.FAILED, why="no convergence")]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic dG9rZW4=", TOKEN])
def test_no_token_and_a_wrong_token_get_the_same_answer(app: ASGIApp, view: SampleView, authorization: str) -> None:
    """Without the action's own token nothing is taken, and the answer does not tell what was wrong."""
    answer = say(app, "started", authorization=authorization)
    assert is_problem(answer, 401, "token_invalid")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.body == say(app, "started", authorization="Bearer other").body
    assert view.reports == []


def test_an_action_that_has_ended_is_409(app: ASGIApp) -> None:
    """A second end is refused in the daemon's own words."""
    say(app, "failed")
    assert is_problem(say(app, "succeeded", {"version": "2"}), 409, "action_closed")


def test_a_step_that_does_not_exist_is_404(app: ASGIApp) -> None:
    """Only the steps of the contract can be said."""
    assert is_problem(say(app, "exploded"), 404, "step_unknown")


@pytest.mark.parametrize(
    ("step", "body", "status", "code", "pointer"),
    [
        ("succeeded", {}, 422, "version_missing", "/version"),
        ("succeeded", {"version": ""}, 422, "version_missing", "/version"),
        ("succeeded", {"version": 2}, 422, "version_invalid", "/version"),
        ("succeeded", {"version": "v" * 129}, 422, "version_invalid", "/version"),
        ("succeeded", {"version": "2", "rows": -1}, 422, "rows_invalid", "/rows"),
        ("succeeded", {"version": "2", "rows": True}, 422, "rows_invalid", "/rows"),
        ("succeeded", {"version": "2", "rows": 1.5}, 422, "rows_invalid", "/rows"),
        ("failed", {"why": ["x"]}, 422, "why_invalid", "/why"),
        ("failed", ["x"], 422, "not_object", ""),
        ("started", "x", 422, "not_object", ""),
    ],
)
def test_a_body_that_lacks_something_is_422(
    app: ASGIApp, step: str, body: Any, status: int, code: str, pointer: str
) -> None:
    """The pointer leads to what is at fault."""
    assert is_problem(say(app, step, body), status, code, pointer)


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[" * 30_000, b'{"version": ' + b"9" * 5_000 + b"}", b"nul"])
def test_a_body_that_is_not_json_is_400(app: ASGIApp, raw: bytes) -> None:
    """Broken syntax, bad UTF-8, bottomless nesting and endless digits are all one plain 400."""
    answer = ask(app, f"/api/v1/actions/{ACTION}/started", "POST", raw, authorization=AUTHORIZATION)
    assert is_problem(answer, 400, "json_syntax")


def test_a_body_above_the_limit_is_413(app: ASGIApp) -> None:
    """A report is small: 64 KiB and one byte are too many."""
    raw = b" " * (64 * 1024 + 1)
    assert is_problem(
        ask(app, f"/api/v1/actions/{ACTION}/started", "POST", raw, authorization=AUTHORIZATION), 413, "body_too_large"
    )


def test_the_rows_of_an_action_are_one_parquet_file(app: ASGIApp) -> None:
    """The rows come as a file with a name of its own."""
    answer = ask(app, f"/api/v1/actions/{ACTION}/rows", authorization=AUTHORIZATION)
    assert (answer.status, answer.body) == (200, b"PAR1rowsPAR1")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"] == f'attachment; filename="{ACTION}.parquet"'


@pytest.mark.parametrize(("id", "token", "status"), [(ACTION, "wrong", 401), ("ac_none", TOKEN, 404)])
def test_rows_are_refused_before_the_first_byte(app: ASGIApp, id: str, token: str, status: int) -> None:
    """A refusal is an answer with its status, not a stream that breaks."""
    assert ask(app, f"/api/v1/actions/{id}/rows", authorization=f"Bearer {token}").status == status


def test_a_file_that_breaks_off_is_not_taken_for_whole() -> None:
    """When reading the rows fails half way, the answer has no proper end."""
    with pytest.raises(Exception, match="after response started"):
        ask(create_app(Breaking()), f"/api/v1/actions/{ACTION}/rows", authorization=AUTHORIZATION)


@given(step=st.sampled_from(Step), raw=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_report_or_a_problem(step: Step, raw: bytes) -> None:
    """Reading a report returns one or raises a problem below 500, and nothing else."""
    assert outcome(step, raw) in {200, 400, 422}


def outcome(step: Step, raw: bytes) -> int:
    """Read a report, and return the status that follows."""
    try:
        read_report(step, raw)
    except Problem as problem:
        return problem.status
    return 200
