"""The worked examples do what they say: the script on a real daemon, the DAG and the workflow step by step."""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from monitor.notification import MessageType
from monitor.receivers.template import parameters
from tests.receivers.dialect_samples import sample
from tests.scripted_http import ScriptedServer, answer, scripted
from tests.stories.running import Daemon, until
from tests.stories.world import SECRET, World

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "examples"
CALLBACK = "/api/v1/actions/ac_a"


def rows(count: int) -> bytes:
    """Return rows as the daemon gives them."""
    file = io.BytesIO()
    pq.write_table(pa.table({"target": [1] * count}), file)
    return file.getvalue()


@pytest.fixture
def driftline() -> Iterator[ScriptedServer]:
    """Return a server that takes reports and gives rows, in the order in which a job asks."""
    with scripted(answer(200), answer(200, body=rows(7)), answer(200)) as server:
        yield server


def told(server: ScriptedServer) -> dict[str, str]:
    """Return the parameters that a job gets, of an action of this server."""
    base = f"http://127.0.0.1:{server.port}"
    given = parameters(json.loads(sample(MessageType.ACTION)[1]))
    return given | {"callback_url": base + CALLBACK, "rows_url": f"{base}{CALLBACK}/rows"}


def asked(server: ScriptedServer) -> list[str]:
    """Return what was asked of an action, in order; each time with its token."""
    assert {request.headers["authorization"] for request in server.requests} <= {"Bearer t0k3n"}
    return [request.line.split()[1].rpartition("/")[2] for request in server.requests]


@contextmanager
def script(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the script until the block ends; what it says stands in a file."""
    command = [sys.executable, str(EXAMPLES / "script" / "receive.py"), *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with (folder / "script.log").open("ab") as log, subprocess.Popen(command, env=surroundings, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.story
def test_the_script_retrains_once_for_a_real_daemon(tmp_path: Path) -> None:
    """The daemon's signed message reaches the script, which fetches rows and reports; the action has succeeded."""
    world = World(tmp_path / "world")
    world.reference()
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    job = world.receiver("job", f"http://127.0.0.1:{port}/")
    retrain = {"receiver": "job", "mode": "auto", "min_targets": 100, "lookback": "1d"}
    world.config({"retrain": retrain}, receivers=[job])
    with script(tmp_path, str(port), str(world.folder / "signing.key"), str(tmp_path / "work")):
        until((tmp_path / "work" / "seen.db").exists)
        daemon = Daemon(world.folder)
        try:
            world.log(6)
            world.log(4, shift=3.0)
            action = until(lambda: [each for each in daemon.items("actions") if each["status"] == "succeeded"], 90)[0]
        finally:
            daemon.kill()
    assert action["result"]["version"] == "2"
    assert f"training answers on {action['result']['rows']} rows" in (tmp_path / "script.log").read_text()
    assert [*(tmp_path / "work" / "jobs").iterdir()] == []


def test_the_script_takes_up_what_it_left_unfinished(tmp_path: Path, driftline: ScriptedServer) -> None:
    """A job that lay on disk when the script died is done at its next start."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "ac_a.json").write_text(json.dumps(told(driftline)))
    (tmp_path / "key").write_text(SECRET)
    with script(tmp_path, "0", str(tmp_path / "key"), str(tmp_path)):
        until(lambda: not [*jobs.iterdir()])
    assert asked(driftline) == ["started", "rows", "succeeded"]
    assert json.loads(driftline.requests[2].body) == {"version": "4", "rows": 7}


class Airflow(ModuleType):
    """What the DAG needs of Airflow's SDK: tasks run where they are called, in a run with this conf."""

    def __init__(self, conf: dict[str, str]) -> None:
        super().__init__("airflow.sdk")
        self.options: dict[str, Any] = {}
        self._run = SimpleNamespace(conf=conf)

    def dag(self, **options: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
        """Note the options."""
        self.options = options
        return lambda function: function

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: it runs at once."""
        return function

    def get_current_context(self) -> dict[str, Any]:
        """Return the run."""
        return {"dag_run": self._run}


def run_dag(airflow: Airflow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the DAG's file, which calls its function, with the rows in another folder."""
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", airflow)
    text = (EXAMPLES / "airflow" / "retrain_dag.py").read_text("utf-8").replace("/opt/airflow/rows", str(folder))
    (folder / "dag.py").write_text(text)
    runpy.run_path(str(folder / "dag.py"))


def test_the_dag_fetches_trains_and_reports(
    tmp_path: Path, driftline: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DAG's tasks, run in order with the conf of our dialect, report the start and the version."""
    run_dag(Airflow(told(driftline)), tmp_path, monkeypatch)
    assert asked(driftline) == ["started", "rows", "succeeded"]
    assert json.loads(driftline.requests[2].body) == {"version": "4", "rows": 7}
    assert [each.name for each in tmp_path.iterdir()] == ["dag.py"]


def test_the_dag_reports_that_it_failed(
    tmp_path: Path, driftline: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow calls back when a task has failed for good, and the action fails with it."""
    airflow = Airflow(told(driftline))
    run_dag(airflow, tmp_path, monkeypatch)
    airflow.options["on_failure_callback"](airflow.get_current_context())
    assert asked(driftline)[3:] == ["failed"]


def workflow() -> dict[str, Any]:
    """Return the workflow; `on` is a word to YAML 1.2."""
    found: dict[str, Any] = YAML(typ="safe").load(EXAMPLES / "github-actions" / "retrain.yml")
    return found


def test_the_workflow_declares_what_it_is_sent() -> None:
    """GitHub refuses inputs that a workflow does not declare; these are the very parameters of our dialect."""
    assert (
        workflow()["on"]["workflow_dispatch"]["inputs"].keys()
        == parameters(json.loads(sample(MessageType.ACTION)[1])).keys()
    )


def test_no_input_stands_in_a_script() -> None:
    """An expression within a script would let what it holds become the script."""
    steps = workflow()["jobs"]["retrain"]["steps"]
    assert not [step for step in steps if "${{" in step.get("run", "")]


def test_the_workflow_s_steps_work(tmp_path: Path, driftline: ScriptedServer) -> None:
    """Its scripts, run in order as a runner does, report the start, fetch the rows, train and report the version."""
    given, job = told(driftline), workflow()["jobs"]["retrain"]
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], text)
        for name, text in job["env"].items()
    }
    (tmp_path / "event.json").write_text(json.dumps({"inputs": given}))
    (tmp_path / "train.py").write_bytes((EXAMPLES / "github-actions" / "train.py").read_bytes())
    surroundings = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
    }
    environment |= surroundings | {"GITHUB_EVENT_PATH": "event.json", "GITHUB_ENV": str(tmp_path / "more.env")}
    said = ""
    for step in job["steps"]:
        if "run" not in step or "if" in step:
            continue
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
        if (tmp_path / "more.env").exists():
            environment |= dict([line.split("=", 1) for line in (tmp_path / "more.env").read_text().splitlines()])
    assert said == "::add-mask::t0k3n\n"
    assert asked(driftline) == ["started", "rows", "succeeded"]
    assert json.loads(driftline.requests[2].body) == {"version": "4", "rows": 7}
