"""The short form of ``benchmarks/kills.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import made_up, measure


@pytest.mark.story
@pytest.mark.fault
def test_a_killed_daemon_makes_the_same_of_a_log(tmp_path: Path) -> None:
    """After two kills -9 while it worked, all that a daemon made of a log is bit for bit that of a calm run."""
    kills, rows = measure(*made_up(tmp_path / "log", hours=5 * 24), kills=2, seed=7)
    assert len(kills) == 2
    assert {row["compared"]: row["result"] for row in rows} == {row["compared"]: "pass" for row in rows}
    assert {"compared": "alerts: killed and undisturbed", "entries": 1, "bar": "identical", "result": "pass"} in rows
