"""What Prometheus and Kubernetes read."""

from __future__ import annotations

import gzip

import pytest
from litestar.types import ASGIApp

from monitor.web import create_operations_app
from tests.web.asking import ask
from tests.web.sample import SampleView


def test_metrics_come_as_text_unless_openmetrics_is_wanted(app: ASGIApp) -> None:
    """The media type tells the format, once."""
    assert ask(app, "/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    wanted = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3"
    answer = ask(app, "/metrics", accept=wanted)
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.body.endswith(b"# EOF\n")


def test_metrics_are_compressed_when_asked_for(app: ASGIApp) -> None:
    """A reader that accepts gzip gets the same page in fewer bytes."""
    answer = ask(app, "/metrics", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == ask(app, "/metrics").body


def test_metrics_are_those_of_the_last_rendering(app: ASGIApp, view: SampleView) -> None:
    """A scrape renders nothing: what changed since shows after the next rendering."""
    view.telemetry.state(bytes_on_disk=1, writable=False)
    assert b"driftline_state_writable 1.0" in ask(app, "/metrics").body
    view.telemetry.render()
    assert b"driftline_state_writable 0.0" in ask(app, "/metrics").body


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
def test_liveness_is_the_supervisors_tick(app: ASGIApp, view: SampleView, *, alive: bool, status: int) -> None:
    """Without a tick the process is not alive."""
    view.is_alive = alive
    answer = ask(app, "/livez")
    assert (answer.status, answer.json) == (status, {"alive": alive})


def test_readiness_tells_its_checks(app: ASGIApp) -> None:
    """A daemon that is ready says so, check by check."""
    answer = ask(app, "/readyz")
    assert answer.status == 200
    assert answer.json == {"ready": True, "checks": [{"name": "state", "ok": True, "why": None}]}


def test_not_ready_is_503_and_says_why(app: ASGIApp, view: SampleView) -> None:
    """A state that cannot be written makes it unready, with the reason in the body."""
    view.ready = False
    answer = ask(app, "/readyz")
    assert answer.status == 503
    assert answer.json["checks"][0]["why"] == "read_only"


@pytest.mark.parametrize(("path", "status"), [("/metrics", 200), ("/livez", 200), ("/readyz", 200), ("/", 404)])
def test_the_second_listener_has_metrics_and_health_alone(view: SampleView, path: str, status: int) -> None:
    """Where there is no authentication there are no pages and no API."""
    app = create_operations_app(view)
    assert ask(app, path).status == status
    assert ask(app, "/api/v1/status").status == 404
    assert ask(app, "/api/v1/openapi.json").status == 404
