"""Receivers by a template: the dialects of known services, and ``http`` for any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from monitor import __version__
from monitor.delivery import Reason, judge_status
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import Instant
from monitor.notification import MessageType
from monitor.receivers.address import Endpoint, SecretUrl, endpoint, read_url
from monitor.receivers.base import NamedSettings
from monitor.receivers.dialects import DIALECTS, Dialect
from monitor.receivers.network import Network
from monitor.settings import Duration, parse_duration

_FAULT = "E123"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_LEAST_SUCCESS, _MOST_SUCCESS = 200, 300


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise PydanticCustomError(_FAULT, "not a token; expected letters, digits and signs in one line")
    return value


Token = Annotated[SecretStr, AfterValidator(_one_line)]


class _CalledSettings(NamedSettings):
    timeout: Duration = Field(
        parse_duration("15s"), gt=parse_duration("0s"), le=parse_duration("60s"), description="for the whole attempt"
    )
    ca_file: Path | None = Field(None, description="certificates to trust instead of the public authorities'")
    token: Token | None = Field(None, description="what the service knows us by")
    values: dict[str, str | int] = Field({}, description="what else the request names, such as a job's number")


class DialectSettings(_CalledSettings):
    """A service whose dialect is known: a chat, a pager, or what runs jobs."""

    type: Literal[
        "slack",
        "teams",
        "discord",
        "pagerduty",
        "opsgenie",
        "alertmanager",
        "github",
        "github_workflow",
        "gitlab",
        "jenkins",
        "airflow",
        "airflow2",
        "argo",
        "kubeflow",
        "prefect",
        "dagster",
        "databricks",
    ]
    url: SecretUrl | None = Field(None, description="where requests go; PagerDuty's and Opsgenie's are known")
    user: str | None = Field(None, description="whose token it is, for jenkins and airflow2")

    @model_validator(mode="after")
    def _complete(self) -> DialectSettings:
        lacks = _lacking(self, DIALECTS[self.type])
        if lacks:
            raise PydanticCustomError(_FAULT, "{type} {lacks}", {"type": self.type, "lacks": lacks})
        return self


class HttpCallSettings(_CalledSettings):
    """Any program that takes a POST: its body is a template."""

    type: Literal["http"] = "http"
    url: SecretUrl = Field(description="http or https; may hold a token, and is shown without its path")
    headers: dict[str, str] = Field({}, description="more headers; templates, which may name token")
    body: dict[str, Any] | list[Any] = Field(description="what is sent as JSON; its texts are templates")
    form: bool = Field(default=False, description="send the body as a form instead of JSON")
    done: tuple[int, ...] = Field((), description="statuses besides 2xx that mean success, such as 409")

    @model_validator(mode="after")
    def _rendered(self) -> HttpCallSettings:
        from monitor.receivers.template import misspelt  # Jinja2: only where a template is the user's

        for name, structure in (("body", self.body), ("headers", self.headers)):
            wrong = misspelt(structure)
            if wrong:
                raise PydanticCustomError(_FAULT, "{name} {wrong}", {"name": name, "wrong": wrong})
        return self


def _lacking(settings: DialectSettings, dialect: Dialect) -> str | None:
    """Return what settings lack, or have too much."""
    if settings.url is None and dialect.url is None:
        return "needs url"
    if dialect.token is not None and dialect.token_needed and settings.token is None:
        return f"needs token or token_file: {dialect.token}"
    if dialect.token is None and settings.token is not None:
        return "takes no token: its url is the secret"
    if (dialect.user is None) != (settings.user is None):
        return "takes no user" if dialect.user is None else f"needs user: {dialect.user}"
    absent = [name for name in dialect.needs if name not in settings.values]
    if absent:
        return f"needs values.{absent[0]}: {dialect.needs[absent[0]]}"
    known = {**dialect.needs, **dialect.may}
    strange = sorted(settings.values.keys() - known.keys())
    return f"knows no values.{strange[0]}; expected {', '.join(known) or 'none'}" if strange else None


def dialect_of(settings: DialectSettings | HttpCallSettings) -> Dialect:
    """Return the request as data."""
    if isinstance(settings, DialectSettings):
        return DIALECTS[settings.type]
    return Dialect(
        body=settings.body, form=settings.form, headers=settings.headers, done=frozenset(settings.done), takes="all"
    )


def send(
    settings: DialectSettings | HttpCallSettings, message_id: str, body: bytes, now: Instant, network: Network
) -> None:
    """Send a message once.

    Raises
    ------
    DeliveryFailed: not taken, and the same call may succeed later.
    DeliveryRefused: it will never be taken.
    """
    from monitor.receivers.sender import Post, post  # httpcore: loaded by the first message

    dialect, event = dialect_of(settings), json.loads(body)
    _check_taken(settings, dialect, event["type"])
    url, headers, content = request(settings, dialect, event, now)
    headers = {"User-Agent": f"driftline/{__version__}", "Idempotency-Key": message_id, **headers}
    answer = post(Post(read_url(url), headers, content, settings.timeout.total_seconds(), settings.ca_file), network)
    shown = endpoint(read_url(url)).shown
    if answer.status in dialect.done:
        return
    failure = judge_status(answer.status, answer.retry_after, now, shown)
    if failure is not None:
        raise failure
    wrong = dialect.refusal(answer.body) if dialect.refusal is not None else None
    if wrong is not None:
        raise DeliveryFailed(Reason.NOT_TAKEN, f"{shown} answered {answer.status} and {wrong}")


def request(
    settings: DialectSettings | HttpCallSettings, dialect: Dialect, event: Mapping[str, Any], now: Instant
) -> tuple[str, dict[str, str], bytes]:
    """Return URL, headers and body of a request; each may hold secrets.

    Raises
    ------
    DeliveryRefused: a template cannot be rendered.
    """
    from monitor.receivers.template import context_of, fill  # Jinja2: loaded by the first message

    token = settings.token.get_secret_value() if settings.token is not None else ""
    user = getattr(settings, "user", None) or ""
    context = context_of(event, settings.values, now) | {"token": token, "user": user}
    named = {} if dialect.token is not None and not token else dialect.headers
    headers = {name: _line(fill(text, context)) for name, text in named.items()}
    filled = fill(dialect.body, context)
    content = urlencode(filled).encode() if dialect.form else json.dumps(filled, ensure_ascii=False).encode()
    where = settings.url.get_secret_value() if settings.url is not None else str(dialect.url)
    url = where.rstrip("/") + str(fill(dialect.path, context)) if dialect.path else where
    return url, headers | {"Content-Type": _FORM if dialect.form else _JSON}, content


def _line(value: Any) -> str:
    """Return a header's value; one with a line end would forge another header."""
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise DeliveryRefused(Reason.TEMPLATE_FAILED, "a header's template gave more than one line of ASCII")
    return text


def _check_taken(settings: DialectSettings | HttpCallSettings, dialect: Dialect, kind: str) -> None:
    is_action = kind == MessageType.ACTION
    if dialect.takes == "actions" and not is_action:
        raise DeliveryRefused(Reason.NOT_AN_ACTION, f"{settings.type} starts jobs, and this message asks for none")


def leads_to(settings: DialectSettings | HttpCallSettings) -> Endpoint:
    """Return where messages go."""
    where = settings.url.get_secret_value() if settings.url is not None else str(dialect_of(settings).url)
    return endpoint(read_url(where))
