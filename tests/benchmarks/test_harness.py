"""The measuring of the benchmarks, tested on what is known to take a known amount."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness import interleave, report, run


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def test_waiting_is_wall_time_and_no_cpu() -> None:
    """A command that sleeps takes wall time and nearly no CPU time."""
    measure = run("sleep", _python("import time; time.sleep(0.5)"))
    assert measure.wall_seconds[0] >= 0.5
    assert measure.cpu_seconds[0] < 0.4


def test_peak_memory_is_the_childs_own() -> None:
    """The peak is what the command held at most, though it gave it back, and not what the parent holds."""
    ballast = bytearray(b"x" * 150_000_000)
    measure = run("peak", _python("import time; a = b'x' * 60_000_000; time.sleep(0.05); del a; time.sleep(0.05)"))
    assert 60e6 <= measure.peak_rss_bytes < len(ballast)


def test_a_failure_is_no_result() -> None:
    """A command that fails is not reported as a fast one."""
    with pytest.raises(subprocess.CalledProcessError):
        run("fails", _python("raise SystemExit(3)"))


def test_calls_take_turns() -> None:
    """Contenders run one after the other in every round, after one round that does not count."""
    order: list[str] = []
    measures = interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert order == ["a", "b"] * 3
    assert [len(measure.wall_seconds) for measure in measures] == [2, 2]


def test_a_report_is_also_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is also written, with the machine that it was measured on."""
    path = report("two", [{"name": "ours", "seconds": 1.5}, {"name": "theirs"}], tmp_path)
    body = json.loads(path.read_text())
    assert (body["rows"][0]["seconds"], body["machine"]["python"] != "") == (1.5, True)
    assert "theirs" in capsys.readouterr().out
