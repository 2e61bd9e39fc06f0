"""``driftline receivers``: where messages go, and what a test message brings back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer
from tests.scripted_http import answer, scripted

Driftline = Callable[..., Answer]
CONFIG = """\
models:
  - name: churn
    records: {{type: files, path: "logs/*.jsonl"}}
    reference: {{path: reference.parquet}}
    retrain: {{receiver: dags, min_targets: 0}}
receivers:
  - {{name: team, type: slack, url: "http://127.0.0.1:{port}/T0/secretcanary"}}
  - {{name: dags, type: airflow, url: "http://127.0.0.1:{port}/dags", token: tokencanary}}
  - {{name: journal, type: log}}
"""


def written(folder: Path, port: int = 9) -> Path:
    """Write a config whose receivers are at a port."""
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(port=port))
    return path


def test_receivers_are_listed(driftline: Driftline, tmp_path: Path) -> None:
    """Each is there with what it takes and where it leads, without its secrets; nothing is sent."""
    done = driftline("receivers", "list", "-c", written(tmp_path), "--format", "json")
    items = json.loads(done.out)["items"]
    assert [(each["name"], each["kind"], each["takes"], each["address"], each["retrains"]) for each in items] == [
        ("team", "slack", "alerts", "http://127.0.0.1:9/...", []),
        ("dags", "airflow", "actions", "http://127.0.0.1:9/...", ["churn"]),
        ("journal", "log", "all", None, []),
    ]
    assert "canary" not in done.out + driftline("receivers", "list", "-c", tmp_path / "config.yaml").out


def test_a_receiver_that_takes_it_is_told_of(driftline: Driftline, tmp_path: Path) -> None:
    """A test message that arrives is an exit code of 0."""
    with scripted(answer(200, body=b"ok")) as server:
        done = driftline("receivers", "test", "team", "-c", written(tmp_path, server.port))
        assert (done.code, done.out.startswith("team (slack) took the message evt_")) == (0, True)
        assert json.loads(server.requests[0].body)["text"] == "Test message of Driftline"


@pytest.mark.parametrize(
    ("status", "body", "why", "todo"),
    [
        (403, b"invalid_token", "unauthorized", "look at the token"),
        (404, b"no_team", "rejected", "look at the URL's path"),
        (200, b"no_service", "not_taken", "it said yes and meant no"),
        (503, b"", "unavailable", "messages wait and are tried again"),
    ],
)
def test_a_refusal_is_explained(
    driftline: Driftline, tmp_path: Path, status: int, body: bytes, why: str, todo: str
) -> None:
    """What a receiver answers is said with what to do, and without its path."""
    with scripted(answer(status, body=body)) as server:
        done = driftline("receivers", "test", "team", "-c", written(tmp_path, server.port))
    assert done.code == 3
    assert done.err.startswith(f"fatal[E351]: team (slack): {why}: http://127.0.0.1:")
    assert todo in done.err
    assert "canary" not in done.err


def test_nobody_listens(driftline: Driftline, tmp_path: Path) -> None:
    """An address where nobody listens is told as such."""
    done = driftline("receivers", "test", "team", "-c", written(tmp_path), "--format", "json")
    assert (done.code, json.loads(done.out)["why"]) == (3, "connect_failed")


def test_a_job_is_not_started_by_a_test(driftline: Driftline, tmp_path: Path) -> None:
    """What runs jobs is sent nothing."""
    with scripted(answer(200)) as server:
        done = driftline("receivers", "test", "dags", "-c", written(tmp_path, server.port))
        assert (done.code, server.requests) == (3, [])
    assert "a test would start a job" in done.err


def test_a_name_that_nobody_has_is_a_fault(driftline: Driftline, tmp_path: Path) -> None:
    """Those that exist are named."""
    done = driftline("receivers", "test", "tean", "-c", written(tmp_path))
    assert (done.code, "known: team, dags, journal" in done.err) == (2, True)
