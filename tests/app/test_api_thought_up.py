"""A daemon under requests that schemathesis thinks up from the description of its API: as described, and never 5xx."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from monitor.app.daemon import Daemon
from monitor.config import load_config
from monitor.web import create_app
from tests.worlds import World, reference_table

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
HOURS = 12
_LINES, _PROTOBUF = "application/x-ndjson", "application/x-protobuf"
_EVENTS = ("application/cloudevents+json", "application/cloudevents-batch+json")


@schemathesis.serializer(_LINES, _PROTOBUF)
def _as_it_is(_context: Any, value: Any) -> bytes:
    """Send lines and bytes as they were thought up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.serializer(*_EVENTS)
def _as_json(_context: Any, value: Any) -> bytes:
    """Send JSON under another name."""
    return json.dumps(value).encode()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Lend a daemon that has closed windows of one model, and takes records, targets, events and logs."""
    folder = tmp_path_factory.mktemp("daemon")
    pq.write_table(reference_table(), folder / "reference.parquet")
    model = {
        "name": "answers",
        "task": "binary",
        "records": [{"type": "files", "path": "log.jsonl"}, {"type": "http"}],
        "targets": {"type": "http"},
        "reference": {"path": "reference.parquet"},
    }
    (folder / "config.yaml").write_text(json.dumps({"server": {"listen": "127.0.0.1:0"}, "models": [model]}))
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in World().hours(0, HOURS)))
    made = Daemon(load_config(folder / "config.yaml", {}), {}, event_clock=True)
    made.start()
    for worker in made.running.workers.values():
        worker.cycle()
    made.publish()
    yield made
    made.stop()


def think_up(daemon: Daemon, examples: int) -> Counter[str]:
    """Ask a daemon for everything that it describes; return how many requests were answered as described, by kind."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(daemon.view))
    asked: Counter[str] = Counter()
    for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
        for mode in GenerationMode if operation.query or operation.body else [GenerationMode.POSITIVE]:
            asked[operation.label] += ask(daemon, operation.as_strategy(generation_mode=mode), examples)
    return asked


def ask(daemon: Daemon, cases: st.SearchStrategy[Case[Any]], examples: int) -> int:
    """Send requests, and hold each answer to the description; return how many were sent."""
    known = [window["id"] for window in daemon.view.windows("answers", 5, None)[0]]
    sent = []

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, choice=st.sampled_from([None, *known]))
    def send(case: Case[Any], choice: str | None) -> None:
        daemon.tick()
        if choice is not None:
            case.headers["Authorization"] = "Bearer nobody's"  # so that what is said of an action is read
        if choice is not None and "id" in case.path_parameters:
            case.path_parameters["id"] = choice
        if choice is not None and "model" in case.path_parameters:
            case.path_parameters["model"] = "answers"
        sent.append(case.call_and_validate(checks=CHECKS).status_code)

    send()
    return len(sent)


def test_what_is_thought_up_is_answered_as_described(daemon: Daemon) -> None:
    """Some hundreds of requests, right ones and wrong ones, get a status, a type and a body that are described."""
    asked = think_up(daemon, 10)
    assert len(asked) >= 19
    assert asked.total() >= 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_requests_are_answered_as_described(daemon: Daemon) -> None:
    """Ten thousand requests, right ones and wrong ones, get no 5xx, and nothing that is not described."""
    assert think_up(daemon, 400).total() >= 10_000
