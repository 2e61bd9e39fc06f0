"""The JSON API: the objects of the contract, pages of lists, faults as problem details."""

from __future__ import annotations

import math
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import ASGIApp

from monitor.errors import StoreBusy
from monitor.web import create_app
from tests.web.asking import Answer, ask
from tests.web.sample import ACTION, ALERT, MODEL, OTHER, SampleView, status, window

PROBLEM_KEYS = ["type", "title", "status", "code", "detail", "pointer"]
FUZZED = create_app(SampleView())
GETS = ("status", "models", f"models/{MODEL}/windows", "alerts", "actions", "deliveries", "openapi.json")


class Busy(SampleView):
    """A daemon whose state cannot be read now."""

    def alerts(self, model: str | None, limit: int, cursor: str | None) -> tuple[list[dict[str, object]], str | None]:
        raise StoreBusy("database is locked at /var/lib/secret")


class Faulty(SampleView):
    """A daemon with a bug."""

    def alerts(self, model: str | None, limit: int, cursor: str | None) -> tuple[list[dict[str, object]], str | None]:
        raise KeyError("jane@example.com")


def is_problem(answer: Answer, status: int, code: str, pointer: str | None = None) -> bool:
    """Say whether an answer is that problem, in the media type and with all the keys of one."""
    body = answer.json
    found = (answer.status, answer.headers["content-type"], body["status"], body["code"], body["pointer"])
    return found == (status, "application/problem+json", status, code, pointer) and list(body) == PROBLEM_KEYS


def test_status_is_the_object_of_the_contract(app: ASGIApp) -> None:
    """The API returns the very object that the command line prints."""
    assert ask(app, "/api/v1/status").json == status()


@pytest.mark.parametrize("path", [f"/api/v1/models/{MODEL}/windows", "/api/v1/deliveries", "/api/v1/models"])
def test_a_list_is_read_page_by_page(app: ASGIApp, path: str) -> None:
    """Following ``next`` gives every item once, in the order of the whole list."""
    whole = ask(app, f"{path}?limit=1000").json["items"]
    items, cursor = [], ""
    while True:
        page = ask(app, f"{path}?limit=1{cursor}").json
        items += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={quote(page['next'])}"
    assert items == whole
    assert len(items) > 1


def test_alerts_and_actions_can_be_of_one_model(app: ASGIApp) -> None:
    """``model`` leaves out those of other models."""
    assert ask(app, f"/api/v1/alerts?model={OTHER}").json == {"items": [], "next": None}
    assert ask(app, f"/api/v1/actions?model={MODEL}").json["items"][0]["id"] == ACTION


@pytest.mark.parametrize(
    ("path", "id"),
    [
        (f"windows/{window(0)['id']}", window(0)["id"]),
        (f"models/{MODEL}/windows/{window(0)['id']}", window(0)["id"]),
        (f"alerts/{ALERT}", ALERT),
        (f"actions/{ACTION}", ACTION),
    ],
)
def test_a_thing_is_found_by_its_id(app: ASGIApp, path: str, id: str) -> None:
    """A window, an alert and an action have an address each."""
    assert ask(app, f"/api/v1/{path}").json["id"] == id


@pytest.mark.parametrize("quoted", [True, False])
def test_a_window_is_found_whether_its_id_was_quoted_or_not(app: ASGIApp, view: SampleView, *, quoted: bool) -> None:
    """The percent signs of an id may be quoted once more, as they should, or stand as they are."""
    odd = window(0, version="2~beta 1")
    view.all_windows.append(odd)
    part = quote(odd["id"]) if quoted else odd["id"]
    assert ask(app, f"/api/v1/windows/{part}").json["version"] == "2~beta 1"


@pytest.mark.parametrize("what", ["window", "alert", "action"])
def test_an_unknown_id_is_404(app: ASGIApp, what: str) -> None:
    """What is not there is named in the code."""
    assert is_problem(ask(app, f"/api/v1/{what}s/nothing"), 404, f"{what}_unknown")


def test_windows_of_an_unknown_model_are_404(app: ASGIApp) -> None:
    """A misspelt model is no model without windows."""
    assert is_problem(ask(app, "/api/v1/models/fligth-delay/windows"), 404, "model_unknown")


def test_windows_of_a_model_that_has_none_are_an_empty_list(app: ASGIApp, view: SampleView) -> None:
    """A model before its first window has an empty list."""
    view.all_windows.clear()
    assert ask(app, f"/api/v1/models/{MODEL}/windows").json == {"items": [], "next": None}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", ""])
def test_a_limit_out_of_range_is_400(app: ASGIApp, limit: str) -> None:
    """A limit is a whole number from 1 to 1,000."""
    assert is_problem(ask(app, f"/api/v1/alerts?limit={limit}"), 400, "parameter_invalid", "/limit")


def test_a_cursor_of_another_list_is_400(app: ASGIApp) -> None:
    """A cursor that the list does not know is the caller's fault."""
    assert is_problem(ask(app, "/api/v1/alerts?cursor=abc"), 400, "parameter_invalid", "/cursor")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/metrics", "/livez", *(f"/api/v1/{path}" for path in GETS)])
def test_a_wrong_method_is_405_and_tells_the_right_ones(app: ASGIApp, path: str, method: str) -> None:
    """What can only be read says so in Allow."""
    answer = ask(app, path, method)
    assert is_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_a_state_that_cannot_be_read_is_503_with_a_time_to_come_back() -> None:
    """A busy store is no fault of the caller and none of ours; nothing of its message is told."""
    answer = ask(create_app(Busy()), "/api/v1/alerts")
    assert is_problem(answer, 503, "store_busy")
    assert answer.headers["retry-after"] == "5"
    assert b"secret" not in answer.body


def test_a_fault_of_ours_tells_nothing_of_itself() -> None:
    """An unexpected exception is a plain 500: no type, no message, no traceback."""
    answer = ask(create_app(Faulty()), "/api/v1/alerts")
    assert is_problem(answer, 500, "internal")
    assert b"jane" not in answer.body
    assert b"KeyError" not in answer.body


def test_numbers_that_are_not_finite_are_null(app: ASGIApp, view: SampleView) -> None:
    """Unknown is null, whatever the daemon handed over."""
    view.all_windows[0]["evidence"] = math.nan
    assert ask(app, f"/api/v1/windows/{quote(view.all_windows[0]['id'])}").json["evidence"] is None


def test_a_lone_surrogate_is_valid_json(app: ASGIApp, view: SampleView) -> None:
    """A name that is no valid Unicode becomes an escape, not a 500."""
    view.all_alerts[0]["columns"] = ["\ud800"]
    assert ask(app, f"/api/v1/alerts/{ALERT}").json["columns"] == ["\ud800"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/api/v1/nothing", "/static/driftline.css"])
def test_every_answer_carries_the_headers_of_safety(app: ASGIApp, path: str) -> None:
    """Nothing is sniffed, nothing inline runs, nobody frames us, and the server does not name itself."""
    headers = ask(app, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert "server" not in headers
    assert headers["cache-control"] == ("public, max-age=3600" if "static" in path else "no-store")


def test_the_description_names_every_path_of_the_api(app: ASGIApp) -> None:
    """OpenAPI 3.1 describes the API, with the action's token as a security scheme."""
    body = ask(app, "/api/v1/openapi.json").json
    assert body["openapi"].startswith("3.1")
    assert {f"/api/v1/{path}" for path in ("status", "models", "alerts", "actions", "deliveries")} <= set(body["paths"])
    assert body["paths"]["/api/v1/actions/{id}/{step}"]["post"]["security"] == [{"action_token": []}]


@given(
    path=st.lists(st.sampled_from([*GETS, "api", "v1", "windows", "..", "%00", "%ff", "%2e%2e", "%", "a" * 300, ""])),
    query=st.text(st.characters(max_codepoint=126, min_codepoint=33, exclude_characters="#"), max_size=40),
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "DELETE", "BREW"]),
    body=st.binary(max_size=50),
    api=st.booleans(),
)
def test_no_input_gets_a_500(path: list[str], query: str, method: str, body: bytes, *, api: bool) -> None:
    """Whatever is asked for in whatever way, the answer is below 500."""
    start = "/api/v1/" if api else "/"
    assert ask(FUZZED, f"{start}{'/'.join(path)}?{query}", method, body).status < 500


@given(text=st.text(min_size=1), parameter=st.sampled_from(["limit", "cursor", "model"]))
def test_no_parameter_gets_a_500(text: str, parameter: str) -> None:
    """Any text as a parameter or as an id is answered below 500."""
    value = quote(text.encode("utf-8", "surrogatepass"), safe="")
    assert ask(FUZZED, f"/api/v1/alerts?{parameter}={value}").status in {200, 400}
    assert ask(FUZZED, f"/api/v1/windows/{value}").status == 404
