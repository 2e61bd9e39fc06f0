"""Every page of the documentation is run: commands and programs in order, configs by the loader, links to their end."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from monitor.config import load_text
from tests.claims.pages import NAMES, PROJECT, Block, anchors, blocks, links

pytestmark = pytest.mark.timeout(600)
"""A page is run as a whole, some commands of it on real daemons; a busy machine takes minutes."""

RUN_BY_CI = {"README.md": ["demo", "tests"]}
"""Blocks that `.ci/run` runs itself, by the page and the name in their mark."""

NOT_RUN = {
    "CONTRIBUTING.md": ["installs the project anew", "these are the steps of .ci/run"],
    "docs/decisions/0001-demo-story.md": ["takes minutes"],
    "docs/how-to/audit.md": ["needs an end that was noted"],
    "docs/how-to/container.md": ["needs a container engine"] * 2,
    "docs/how-to/python-client.md": ["needs FastAPI"],
    "docs/how-to/kserve.md": ["needs a Kubernetes cluster"],
    "docs/how-to/on-call.md": ["needs a daemon whose alert fires"] * 3,
    "docs/how-to/retrain.md": ["needs a daemon whose action waits"],
    "docs/reference/loss-alarms.md": ["takes minutes, and needs an environment with river"],
    "docs/reference/bench.md": ["takes a quarter of an hour, and needs the real sets"],
}
"""Blocks that nothing here can run, with the reason that stands above each. To hide a block, it must be added here."""

DATA = ("reference.parquet", "logs")
"""What the tutorial makes, and every other page begins with."""

_TUTORIAL = "docs/tutorial.md"
_PORTS = ("10464", "10465", "9000")
_PATIENCE_SECONDS = 300
_RUNNING = ("sh", "python")
_MODEL = {"name": "coffee", "records": {"type": "files", "path": "logs/*.jsonl"}, "reference": {"path": "r.parquet"}}
_URLS = ("SLACK_URL", "TEAMS_URL", "DISCORD_URL")
_TOKENS = ("PAGERDUTY_KEY", "OPSGENIE_KEY", "AIRFLOW_TOKEN", "GITHUB_TOKEN", "TICKETS_TOKEN", "MAIL_PASSWORD")
_REASON = re.compile(r"not run here: (.+)")


def _is_run(block: Block) -> bool:
    return block.language in _RUNNING and not re.match(r"not run here: |command: |file: ", block.mark)


def _written(block: Block) -> str | None:
    return block.mark.removeprefix("file: ") if block.mark.startswith("file: ") else None


def _steps(block: Block) -> str:
    """Return a block as a step of a shell script."""
    told = f"echo '## {block.place}' >&2"
    name = _written(block)
    if name is not None:
        return f"{told}\ncat > {name} <<'END_OF_FILE'\n{block.text}END_OF_FILE\n"
    if block.language == "python":
        return f"{told}\npython - <<'END_OF_PROGRAM'\n{block.text}END_OF_PROGRAM\n"
    return f"{told}\n{block.text}"


def _script(page: str) -> str:
    """Return what a reader of a page does, from its top to its end, on ports that are free."""
    steps = [_steps(block) for block in blocks(page) if _is_run(block) or _written(block)]
    text = "set -euo pipefail\n" + "\n".join(steps)
    with ExitStack() as held:
        for port in _PORTS:
            free = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            text = re.sub(rf"\b{port}\b", str(free), text)
    return text


def _path(folder: Path) -> str:
    """Return a PATH on which `driftline` and `python` are those that run the tests."""
    shims = folder / "bin"
    shims.mkdir()
    (shims / "driftline").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n')
    (shims / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for shim in shims.iterdir():
        shim.chmod(0o755)
    return f"{shims}:{os.environ['PATH']}"


def _follow(page: str, folder: Path, beside: Path) -> None:
    """Do what a page says, in a folder; whatever it started is ended with it."""
    environment = {**os.environ, "PATH": _path(beside), "PYTHONPATH": str(PROJECT)}
    with (beside / "told.txt").open("w+") as told:
        process = subprocess.Popen(
            ["bash", "-c", _script(page)], cwd=folder, env=environment, stdout=told, stderr=told, start_new_session=True
        )
        try:
            code = process.wait(_PATIENCE_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        told.seek(0)
        assert code == 0, told.read()[-4000:]


def _need_programs(page: str) -> None:
    """Skip where a system package is missing that a page calls."""
    text = _script(page)
    for program in ("curl", "promtool"):
        if program in text and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the tutorial was followed to its end."""
    _need_programs(_TUTORIAL)
    folder = tmp_path_factory.mktemp("tutorial")
    _follow(_TUTORIAL, folder, tmp_path_factory.mktemp("beside"))
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tutorial's data."""
    folder = tmp_path_factory.mktemp("data")
    program = next(block.text for block in blocks(_TUTORIAL) if _written(block) == "make_data.py")
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    return folder


@pytest.mark.story
def test_the_tutorial_works(tutorial: Path) -> None:
    """A newcomer who does what the tutorial says gets to its end."""
    assert (tutorial / ".driftline").is_dir()


@pytest.mark.story
def test_the_picture_shows_the_tutorial(tutorial: Path) -> None:
    """The evidence in the picture of the promise is that of the tutorial's windows, or is to be renewed."""
    lines = [json.loads(line) for line in (tutorial / "backtest.jsonl").read_text("utf-8").splitlines()]
    evidence = [line["evidence"] for line in lines if line["kind"] == "window"]
    drawn = runpy.run_path(str(PROJECT / "docs" / "images" / "promise.py"))
    assert evidence[: len(drawn["QUIET"])] == pytest.approx(drawn["QUIET"], rel=0.02)
    assert evidence[len(drawn["QUIET"])] > drawn["HIGHEST"]


@pytest.mark.story
def test_the_picture_of_delays_shows_the_tutorial(tutorial: Path) -> None:
    """The floors and delays in the picture are those that `check` tells of the tutorial's reference."""
    command = [sys.executable, "-m", "monitor", "check", "-c", "config.yaml", "--format", "json"]
    surroundings = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=tutorial, env=surroundings, capture_output=True, text=True, check=True)
    found = {each["name"]: each["findable"] for each in json.loads(done.stdout)["models"][0]["columns"]}
    drawn = runpy.run_path(str(PROJECT / "docs" / "images" / "delay.py"))
    for name, steps in drawn["STEPS"].items():
        assert {each["effect"]: each["steps"] for each in found[name]["steps"]} == steps
        assert found[name]["floor"] == pytest.approx(drawn["FLOORS"][name], rel=0.02)


@pytest.mark.story
@pytest.mark.parametrize("page", [name for name in NAMES if name != _TUTORIAL and any(map(_is_run, blocks(name)))])
def test_a_page_works(page: str, data: Path, tmp_path: Path) -> None:
    """A reader who has the tutorial's data and does what a page says gets to its end."""
    _need_programs(page)
    folder = tmp_path / "work"
    folder.mkdir()
    for name in DATA:
        (shutil.copytree if (data / name).is_dir() else shutil.copy)(data / name, folder / name)
    _follow(page, folder, tmp_path)


def _merged(mark: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(text)
    if mark == "part of a model":
        receiver = {"name": "retrain-job", "type": "log"}
        return {"models": [_MODEL | found], "receivers": [receiver]}
    return {"models": [_MODEL]} | found if mark == "part of a config" else found


@pytest.mark.parametrize(
    "block",
    [
        each
        for name in NAMES
        for each in blocks(name)
        if each.language == "yaml" and each.mark != "file: prometheus.yml"
    ],
    ids=lambda block: block.place,
)
def test_a_config_holds(block: Block, tmp_path: Path) -> None:
    """A config in a page, or one made of a part of it and the least that is required, is taken without a fault."""
    secret = "whsec_" + "QUJD" * 8
    for name in ("signing.secret", "old.secret"):
        (tmp_path / name).write_text(secret)
    surroundings = {"SIGNING_SECRET": secret, "KAFKA_PASSWORD": secret} | dict.fromkeys(_TOKENS, "t0k3n")
    surroundings |= dict.fromkeys(_URLS, "https://chat.example/T0/B0")
    is_whole = not block.mark.startswith("part of")
    text = block.text if is_whole else json.dumps(_merged(block.mark, block.text))
    assert load_text(text, tmp_path / "config.yaml", surroundings).config.models


@pytest.mark.parametrize("block", [each for name in NAMES for each in blocks(name)], ids=lambda block: block.place)
def test_a_block_says_what_it_is(block: Block) -> None:
    """Every fenced block names its language, and its mark is one that tests know."""
    assert block.language in {"sh", "python", "yaml", "json", "text", "http"}
    assert re.fullmatch(r"|not run here: .+|command: \w+|file: [\w.]+|part of a (model|config)", block.mark)


@pytest.mark.parametrize("page", NAMES)
def test_what_is_not_run_is_known(page: str) -> None:
    """A block that is not run says why, and this file says the same."""
    reasons = [found[1] for block in blocks(page) if (found := _REASON.fullmatch(block.mark))]
    assert reasons == NOT_RUN.get(page, [])


@pytest.mark.parametrize("page", NAMES)
def test_what_ci_runs_is_known(page: str) -> None:
    """A block that `.ci/run` runs itself is known there."""
    names = [block.mark.removeprefix("command: ") for block in blocks(page) if block.mark.startswith("command: ")]
    assert names == RUN_BY_CI.get(page, [])


@pytest.mark.parametrize(
    "block", [b for name in NAMES for b in blocks(name) if b.language == "json"], ids=lambda b: b.place
)
def test_a_json_example_is_json(block: Block) -> None:
    """What a page shows as JSON is one JSON value."""
    assert json.loads(block.text)


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page leads to a file of the project, and to a heading in it if it names one."""
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (PROJECT / page).parent / path if path else PROJECT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def test_generated_pages_are_as_generated() -> None:
    """What docs/generate.py writes stands in the pages already."""
    done = subprocess.run(
        [sys.executable, PROJECT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("name", ["promise", "delay"])
def test_a_picture_is_as_drawn(name: str) -> None:
    """A picture of the docs is what its program draws."""
    folder = PROJECT / "docs" / "images"
    done = subprocess.run([sys.executable, folder / f"{name}.py"], capture_output=True, text=True, check=True)
    assert done.stdout == (folder / f"{name}.svg").read_text("utf-8")
