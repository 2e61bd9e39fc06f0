"""What each service is sent, held against what its documentation asks for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.notification import MessageType
from monitor.receivers import Network, address, send
from monitor.receivers.dialects import DIALECTS
from tests.receivers.dialect_samples import HOSTILE, TOKEN, VALUES, read, sample, settings
from tests.scripted_http import Request, answer, scripted

NOW = 1_795_298_400_000_000
ACTION_ID = "ac_7m2p4t6x5zq3ks5vwy2rnb6djc"
ALERT_ID = "al_4k2d7x3mzq6ph5tnwy2rvb6cja"
PEOPLE = [name for name, dialect in DIALECTS.items() if dialect.takes != "actions"]
JOBS = [name for name, dialect in DIALECTS.items() if dialect.takes != "alerts"]
GOOD = {
    "pagerduty": b'{"status": "success"}',
    "opsgenie": b'{"result": "Request will be processed", "took": 0.1, "requestId": "43a2"}',
    "gitlab": b'{"id": 257}',
    **dict.fromkeys(("airflow", "airflow2"), b'{"dag_id": "retrain", "dag_run_id": "driftline__ac_a"}'),
    "argo": b'{"metadata": {"name": "retrain-churn"}}',
    "kubeflow": b'{"experiment_id": "1", "run_id": "2"}',
    "prefect": b'{"id": "0a", "name": "driftline-ac_a"}',
    "databricks": b'{"run_id": 455644833}',
    "slack": b"ok",
    "dagster": b'{"data": {"launchRun": {"__typename": "LaunchRunSuccess"}}}',
}
LOGIN_PAGES = ["pagerduty", "opsgenie", "gitlab", "airflow", "airflow2", "argo", "kubeflow", "prefect", "databricks"]
"""Services that answer in JSON; where a proxy's page answers for them, the request did not arrive."""


def sent(kind: str, what: MessageType, status: int = 200, body: bytes | None = None, **changed: Any) -> Request:
    """Send a message by a dialect to a server, and return what it got."""
    said = GOOD.get(kind, b"{}") if body is None else body
    with scripted(answer(status, body=said)) as server:
        ident, content = sample(what)
        send(settings(kind, f"http://127.0.0.1:{server.port}/there", **changed), ident, content, NOW, Network())
        return server.requests[0]


def slack(got: Request) -> None:
    """Text as a fallback, blocks within their limits, and nothing that mentions anybody."""
    said = read(got.body)
    assert said["text"] == "flight-delay version 3: drift"
    assert said["blocks"][0]["text"] == {"type": "plain_text", "text": "flight-delay version 3: drift"}
    text = said["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt;" in text
    assert "<!channel>" not in text
    assert text.endswith("<https://monitor.example/|Open the alert>")
    assert "Does it hurt: roc_auc 0.71 [0.69, 0.73], 0.79 in the reference." in text
    assert "do not retrain" in text


def teams(got: Request) -> None:
    """An Adaptive Card, its texts without live markup."""
    (card,) = read(got.body)["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    content = card["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.2")
    assert content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the alert", "url": "https://monitor.example/"}
    ]
    assert "\\*bold\\*" in content["body"][1]["text"]


def discord(got: Request) -> None:
    """Nobody can be mentioned, and the content is within its limit."""
    said = read(got.body)
    assert said["allowed_mentions"] == {"parse": []}
    assert len(said["content"]) <= 2000


def pagerduty(got: Request) -> None:
    """An event of version 2 that triggers, keyed by the episode."""
    said = read(got.body)
    assert (said["routing_key"], said["event_action"], said["dedup_key"]) == (TOKEN, "trigger", ALERT_ID)
    assert said["payload"]["severity"] == "warning"
    assert said["payload"]["custom_details"]["window"].startswith("flight-delay~3~")
    assert said["links"] == [{"href": "https://monitor.example/", "text": "The alert"}]


def opsgenie(got: Request) -> None:
    """An alert with the episode as its alias."""
    assert got.line == "POST /there/v2/alerts HTTP/1.1"
    assert got.headers["authorization"] == f"GenieKey {TOKEN}"
    assert (read(got.body)["alias"], read(got.body)["priority"]) == (ALERT_ID, "P3")


def alertmanager(got: Request) -> None:
    """A list of one alert whose labels stay the same through an episode."""
    assert got.line == "POST /there/api/v2/alerts HTTP/1.1"
    (alert,) = read(got.body)
    assert alert["labels"] == {
        "alertname": "Driftline_drift",
        "model": "flight-delay",
        "version": "3",
        "segment": "",
        "severity": "warning",
    }
    assert alert["startsAt"] == "2013-07-01T10:05:00Z"
    assert alert["endsAt"] == "2026-11-29T22:00:00Z"


PEOPLES: list[Callable[[Request], None]] = [slack, teams, discord, pagerduty, opsgenie, alertmanager]


@pytest.mark.parametrize("check", PEOPLES, ids=lambda check: check.__name__)
def test_people_are_told(check: Callable[[Request], None]) -> None:
    """A firing alert reaches a chat or a pager as it asks for it, whatever the log put into its texts."""
    check(sent(check.__name__, MessageType.FIRING))


def github(said: Any) -> None:
    """At most ten keys of payload."""
    assert said["event_type"] == "driftline"
    assert len(said["client_payload"]) <= 10
    assert said["client_payload"]["parameters"]["action_id"] == ACTION_ID


def github_workflow(said: Any) -> None:
    """Inputs are texts."""
    assert said["ref"] == "main"
    assert all(isinstance(value, str) for value in said["inputs"].values())


def gitlab(said: Any) -> None:
    """A form with the token in it."""
    assert (said["token"], said["ref"], said["variables[DRIFTLINE_ACTION]"]) == ([TOKEN], ["main"], [ACTION_ID])


def jenkins(said: Any) -> None:
    """A form of parameters."""
    assert said["CALLBACK"] == ["https://monitor.example/api/v1/actions/ac_7m2p"]


def airflow(said: Any) -> None:
    """A logical date that is null, and a run named by the action."""
    assert said.keys() == {"dag_run_id", "logical_date", "conf", "note"}
    assert (said["dag_run_id"], said["logical_date"]) == (f"driftline__{ACTION_ID}", None)


def airflow2(said: Any) -> None:
    """No logical date."""
    assert said.keys() == {"dag_run_id", "conf", "note"}


def argo(said: Any) -> None:
    """A name of DNS letters and parameters as assignments."""
    options = said["submitOptions"]
    assert options["name"] == f"retrain-churn-{ACTION_ID.replace('_', '-')}"
    assert "model=flight-delay" in options["parameters"]


def kubeflow(said: Any) -> None:
    """What is not known is left out."""
    assert said.keys() == {"display_name", "pipeline_version_reference", "runtime_config"}


def prefect(said: Any) -> None:
    """The action is the key that makes it idempotent."""
    assert said["idempotency_key"] == ACTION_ID


def dagster(said: Any) -> None:
    """A GraphQL mutation with its variables."""
    chosen = said["variables"]["p"]
    assert chosen["selector"]["repositoryName"] == "__repository__"
    assert {"key": "driftline/action_id", "value": ACTION_ID} in chosen["executionMetadata"]["tags"]


def databricks(said: Any) -> None:
    """A job's number as a number, and a token of at most 64 letters."""
    assert said["job_id"] == 11223344
    assert len(said["idempotency_token"]) <= 64


STARTED: list[Callable[[Any], None]] = [
    github,
    github_workflow,
    gitlab,
    jenkins,
    airflow,
    airflow2,
    argo,
    kubeflow,
    prefect,
    dagster,
    databricks,
]


@pytest.mark.parametrize("check", STARTED, ids=lambda check: check.__name__)
def test_jobs_are_started(check: Callable[[Any], None]) -> None:
    """An action reaches what runs jobs as it asks for it, with the way to report back."""
    kind = check.__name__
    got = sent(kind, MessageType.ACTION)
    check(parse_qs(got.body.decode()) if DIALECTS[kind].form else read(got.body))
    assert "t0k3n" in got.body.decode()


def test_every_dialect_is_checked() -> None:
    """Each dialect stands in one of the tables above."""
    assert {check.__name__ for check in [*PEOPLES, *STARTED]} == DIALECTS.keys()


def test_a_user_s_token_goes_as_basic() -> None:
    """Jenkins knows a user by name and token."""
    got = sent("jenkins", MessageType.ACTION)
    assert got.headers["authorization"] == f"Basic {base64.b64encode(b'someone:tokencanary').decode()}"
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"


def test_without_a_token_none_is_sent() -> None:
    """Where a token may be left out, no header stands for it."""
    assert "authorization" not in sent("prefect", MessageType.ACTION, token=None).headers


@pytest.mark.parametrize("kind", PEOPLE)
def test_a_test_message_is_taken(kind: str) -> None:
    """A message that knows nothing is rendered too."""
    assert sent(kind, MessageType.TEST).body


@pytest.mark.parametrize("kind", sorted(set(JOBS) - set(PEOPLE)))
@pytest.mark.parametrize("what", [MessageType.FIRING, MessageType.TEST])
def test_a_job_is_started_by_an_action_alone(kind: str, what: MessageType) -> None:
    """An alert or a test that came to what runs jobs starts none."""
    ident, content = sample(what)
    with pytest.raises(DeliveryRefused) as caught:
        send(settings(kind, "http://127.0.0.1:9/"), ident, content, NOW, Network())
    assert caught.value.reason == Reason.NOT_AN_ACTION


@pytest.mark.parametrize(("kind", "key"), [("pagerduty", "resolve"), ("opsgenie", "/close?identifierType=alias")])
def test_what_is_over_is_closed(kind: str, key: str) -> None:
    """A resolved alert ends its episode."""
    got = sent(kind, MessageType.RESOLVED)
    assert key in got.line + got.body.decode()


def test_a_resolved_alert_ends_now() -> None:
    """Alertmanager gets the same labels with an end that has come."""
    (alert,) = read(sent("alertmanager", MessageType.RESOLVED).body)
    assert alert["endsAt"] == "2026-11-21T22:00:00Z"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("slack", b"no_service"),
        ("slack", b"<html>okay</html>"),
        ("teams", b"Microsoft Teams endpoint returned HTTP error 429"),
        ("dagster", b'{"data": {"launchRun": {"__typename": "PythonError", "message": "secretcanary"}}}'),
        ("dagster", b"<html>"),
        *((kind, b"<!doctype html><title>secretcanary</title>") for kind in LOGIN_PAGES),
    ],
)
def test_a_no_under_200_is_no_success(kind: str, said: bytes) -> None:
    """Where a service says 200 and means no, the message is tried again, and what it said is not quoted at length."""
    what = MessageType.FIRING if kind in PEOPLE else MessageType.ACTION
    with pytest.raises(DeliveryFailed) as caught:
        sent(kind, what, body=said)
    assert caught.value.reason == Reason.NOT_TAKEN
    assert "canary" not in str(caught.value)
    assert "<html>" not in str(caught.value)


@pytest.mark.parametrize("kind", ["airflow", "airflow2", "argo"])
def test_a_run_that_is_there_already_is_success(kind: str) -> None:
    """A conflict on the run that an earlier try has made means that it was made."""
    assert sent(kind, MessageType.ACTION, status=409).body


def test_a_conflict_elsewhere_is_a_refusal() -> None:
    """Prefect's 409 means that parameters do not fit."""
    with pytest.raises(DeliveryRefused):
        sent("prefect", MessageType.ACTION, status=409)


@pytest.mark.parametrize(
    ("kind", "changed", "why"),
    [
        ("slack", {"url": None}, "needs url"),
        ("slack", {"token": "x"}, "takes no token"),
        ("pagerduty", {"token": None}, "needs token or token_file: the integration's routing key"),
        ("jenkins", {"user": None}, "needs user"),
        ("github", {"user": "x"}, "takes no user"),
        ("databricks", {"values": {}}, "needs values.job_id: the job's number"),
        ("databricks", {"values": {"job_id": 1, "jobid": 2}}, "knows no values.jobid; expected job_id"),
        ("github", {"token": "a\nb"}, "not a token"),
    ],
)
def test_settings_that_lack_something_are_refused(kind: str, changed: dict[str, Any], why: str) -> None:
    """What a service needs is asked for before the start, and named."""
    with pytest.raises(ValidationError, match=why) as caught:
        settings(kind, **{"url": "http://127.0.0.1:9/"} | changed)
    assert caught.value.errors()[0]["type"] == "E123"


def test_an_address_that_all_share_is_known() -> None:
    """PagerDuty needs no url, and is shown without its path."""
    assert address(settings("pagerduty", None)) == "https://events.pagerduty.com/..."


def http(body: Any, **changed: Any) -> Request:
    """Send an alert by a template of one's own."""
    given = {"name": "it", "type": "http", "body": body, "timeout": "2s"} | changed
    with scripted(answer(200)) as server:
        ident, content = sample(MessageType.FIRING)
        from pydantic import TypeAdapter

        from monitor.receivers import ReceiverSettings

        own = TypeAdapter(ReceiverSettings).validate_python({**given, "url": f"http://127.0.0.1:{server.port}/x"})
        send(own, ident, content, NOW, Network())
        return server.requests[0]


def test_a_template_of_one_s_own() -> None:
    """Texts are rendered, one expression alone keeps its type, and the token stands where it is named."""
    body = {"text": "{{ title }}!", "rows": "{{ window.rows }}", "who": "{{ values.who }}", "gone": "{{ omit }}"}
    got = http(body, headers={"X-Key": "{{ token }}"}, token=TOKEN, values={"who": "me"})
    assert read(got.body) == {"text": "flight-delay version 3: drift!", "rows": 12000, "who": "me"}
    assert got.headers["x-key"] == TOKEN


def test_what_a_log_holds_is_never_a_template() -> None:
    """A category that looks like a template is sent as it is."""
    text = read(http({"text": "{{ diagnosis.causes[0].detail }}"}, token=TOKEN).body)["text"]
    assert text == f"values {HOSTILE}"


@pytest.mark.parametrize(
    "template",
    ["{{ 1 / 0 }}", "{{ title.__class__.__mro__() }}x", "{{ alert.id.nothing() }}", "{{ ''.join(range(9)) }}"],
)
def test_a_template_that_fails_is_a_refusal(template: str) -> None:
    """A template that cannot be rendered, or reaches out of the sandbox, sends nothing, and says so."""
    with pytest.raises(DeliveryRefused, match="a template cannot be rendered") as caught:
        http({"text": template})
    assert caught.value.reason == Reason.TEMPLATE_FAILED


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ allert.id }}", "body names allert, which no template knows"),
        ("{% for %}", "body is no template"),
        ("{{ title", "body is no template"),
        ("{{ title | nothing }}", "body is no template"),
    ],
)
def test_a_template_that_cannot_work_is_refused_before_the_start(template: str, why: str) -> None:
    """A misspelt name or a syntax error is told when the config is read."""
    with pytest.raises(ValidationError, match=why) as caught:
        http([{"deep": {"text": template}}])
    assert caught.value.errors()[0]["type"] == "E123"


def test_what_lies_outside_the_sandbox_is_not_there() -> None:
    """A template reaches no class of Python's."""
    assert read(http({"text": "{{ title.__class__ }}x"}).body) == {"text": "x"}


def test_a_header_cannot_be_split() -> None:
    """A value with a line end makes no second header."""
    with pytest.raises(DeliveryRefused, match="more than one line"):
        http({}, headers={"X-Title": "{{ 'a\r\nX-Evil: 1' }}"})


def test_values_are_for_dialects_that_exist() -> None:
    """The samples speak of dialects that are there."""
    assert VALUES.keys() <= DIALECTS.keys()
