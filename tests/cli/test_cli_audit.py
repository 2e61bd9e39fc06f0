"""``driftline audit``: what a daemon notes of a story, and what is said of a file that was tampered with."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.app.stepped import SteppedDaemon
from tests.cli.conftest import Answer
from tests.worlds import World, write_log, write_reference

Driftline = Callable[..., Answer]
CONFIG = """\
server: {listen: "127.0.0.1:0"}
models:
  - name: shop
    task: binary
    records: {type: files, path: log.jsonl}
    reference: {path: reference.parquet}
    window: {min_rows: 30}
    retrain: {receiver: job, mode: approve, min_targets: 0, cooldown: 1h}
receivers:
  - {name: job, type: log}
"""


@pytest.fixture
def told(tmp_path: Path, driftline: Driftline) -> Path:
    """Tell a story: drift, an approval, a suspension, a reload that is refused, a restart; return its config."""
    config = tmp_path / "config.yaml"
    write_reference(tmp_path / "reference.parquet")
    config.write_text(CONFIG)
    for first, hours, shift in ((0, 5, 0.0), (5, 3, 2.0)):
        write_log(tmp_path / "log.jsonl", World(seed=1, shift=shift).hours(first, hours))
    daemon = SteppedDaemon(config, {})
    try:
        daemon.advance(0)
        driftline("actions", "approve", daemon.actions()[0]["id"], "-c", config, "--by", "ann")
        driftline("actions", "suspend", "-c", config, "--by", "bob")
        daemon.daemon.heartbeat()
        driftline("actions", "resume", "-c", config)
        config.write_text(CONFIG.replace("models:", "model:"))
        daemon.daemon.reload()
        assert daemon.settle(10)
    finally:
        daemon.close()
    config.write_text(CONFIG.replace("cooldown: 1h", "cooldown: 2h"))
    SteppedDaemon(config, {}).close()
    return config


def exported(driftline: Driftline, config: Path) -> list[dict[str, Any]]:
    """Return all entries."""
    return [json.loads(line) for line in driftline("audit", "export", "-c", config).out.splitlines()]


def broken(driftline: Driftline, config: Path, statement: str) -> Answer:
    """Change the file of the state, and verify it."""
    with closing(sqlite3.connect(config.parent / ".driftline" / "state.db")) as file:
        file.execute(statement)
        file.commit()
    return driftline("audit", "verify", "-c", config, "--format", "json")


def test_a_story_is_on_record(told: Path, driftline: Driftline) -> None:
    """Who did what stands there in order: the daemon, and people by the names they gave; the chain holds."""
    entries = exported(driftline, told)
    by = [(entry["what"], entry["actor"]) for entry in entries if not entry["what"].startswith("delivery")]
    assert by == [
        ("config_loaded", "driftline"),
        ("reference_used", "driftline"),
        ("action_awaiting_approval", "driftline"),
        ("action_requested", "ann"),
        ("actions_suspended", "bob"),
        ("config_refused", "driftline"),
        ("actions_resumed", "unknown"),
        ("config_loaded", "driftline"),
    ]
    first, last = entries[0], [entry for entry in entries if entry["what"] == "config_loaded"][-1]
    assert (first["detail"]["before"], last["detail"]["before"]) == (None, first["detail"]["hash"])
    assert {entry["what"]: entry["detail"]["receiver"] for entry in entries if "delivery" in entry["what"]} == {
        "delivery_delivered": "job"
    }
    head = f"{entries[-1]['seq']}:{entries[-1]['digest']}"
    done = driftline("audit", "verify", "-c", told, "--head", head)
    assert (done.code, done.out) == (0, f"{len(entries)} entries hold; the head is {head}\n")
    table = driftline("audit", "list", "-c", told).out
    assert [word for word in ("actions_suspended", "bob", "ann") if word not in table] == []
    _check_digests(entries)
    done = broken(driftline, told, "UPDATE audit SET actor = 'eve' WHERE actor = 'ann'")
    assert (done.code, done.body["holds"], done.body["why"]) == (3, False, "changed")
    assert done.err.startswith(f"fatal[E360]: entry {done.body['broken_at']} of the audit was changed")


def _check_digests(entries: list[dict[str, Any]]) -> None:
    """Compute each digest as the page of the docs tells it."""
    before = ""
    for entry in entries:
        at = (datetime.fromisoformat(entry["at"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        detail = json.dumps(entry["detail"], separators=(",", ":"))
        whole = {"before": before, "parts": [at, entry["actor"], entry["what"], detail]}
        before = hashlib.sha256(json.dumps(whole, separators=(",", ":")).encode()).hexdigest()
        assert before == entry["digest"], entry["seq"]


def test_an_end_that_is_none_is_told(config: Path, driftline: Driftline) -> None:
    """A head that cannot be one is an argument at fault."""
    assert driftline("audit", "verify", "-c", config, "--head", "7:abc").code == 2
