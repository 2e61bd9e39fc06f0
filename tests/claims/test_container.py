"""The image: what hadolint says of its Dockerfile, and what a cluster's policy asks of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def _instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as pairs of instruction and arguments, lines joined and comments left out."""
    lines = (PROJECT / "Dockerfile").read_text("utf-8").splitlines()
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in lines if line.strip() and not line.startswith("#")))
    pairs = [line.split(None, 1) for line in joined.splitlines()]
    return [(word.upper(), rest) for word, rest in pairs]


def _last_stage() -> list[tuple[str, str]]:
    instructions = _instructions()
    starts = [number for number, (word, _) in enumerate(instructions) if word == "FROM"]
    return instructions[starts[-1] :]


def _arguments(word: str) -> list[str]:
    return [rest for name, rest in _last_stage() if name == word]


def test_hadolint_finds_nothing() -> None:
    """Hadolint has nothing to say about the Dockerfile, not even in passing."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "style", "Dockerfile"], cwd=PROJECT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_build_stays_behind() -> None:
    """The image is built in one stage and run in another, so that it holds no tool of the build."""
    assert [word for word, _ in _instructions()].count("FROM") >= 2
    assert _arguments("RUN") == []


def test_it_runs_as_a_number() -> None:
    """The user is a number other than root's, which is what a cluster can check."""
    (user,) = _arguments("USER")
    uid, gid = user.split(":")
    assert int(uid) >= 10_000
    assert int(gid) >= 10_000


def test_state_belongs_to_the_user() -> None:
    """The only place that is written to is a volume that the user owns."""
    (volume,) = _arguments("VOLUME")
    (user,) = _arguments("USER")
    assert json.loads(volume) == ["/var/lib/driftline"]
    assert any(f"--chown={user}" in copy and copy.endswith("/var/lib/") for copy in _arguments("COPY"))


def test_nothing_is_fetched_by_address() -> None:
    """Nothing comes into the image but packages by hash and files of the project."""
    text = " ".join(f"{word} {rest}" for word, rest in _instructions())
    assert not re.search(r"\bADD\b|\bcurl\b|\bwget\b|git clone", text)
    installs = re.findall(r"pip\b[^&]* install [^&]*", text)
    assert installs
    assert [one for one in installs if "--require-hashes" not in one and "--no-index" not in one] == []


def test_it_stops_as_the_daemon_does() -> None:
    """The runtime asks it to stop with the signal that the daemon stops cleanly on."""
    assert _arguments("STOPSIGNAL") == ["SIGTERM"]


def test_commands_need_no_shell() -> None:
    """Entry point and command are lists, so that the signal reaches the daemon itself."""
    assert json.loads(_arguments("ENTRYPOINT")[0]) == ["driftline"]
    assert json.loads(_arguments("CMD")[0])[0] == "run"


def test_the_base_has_a_version() -> None:
    """The base image is named by version or digest, never by what happens to be newest."""
    bases = [rest for word, rest in _instructions() if word == "ARG" and rest.startswith("BASE=")]
    assert re.fullmatch(r"BASE=python(:\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})", bases[0])


@pytest.fixture
def healthcheck() -> list[str]:
    """Return the command that the runtime asks for the daemon's health, on this interpreter."""
    (check,) = _arguments("HEALTHCHECK")
    command = json.loads(check.split(" CMD ", 1)[1])
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


class _Answer(BaseHTTPRequestHandler):
    """Answers every request with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_health_is_what_livez_says(healthcheck: list[str], address: str, status: int, healthy: bool) -> None:
    """The container is healthy exactly while /livez answers 200, whatever proxy is set."""
    environment = {"DRIFTLINE_LIVEZ": f"{address}/{status}", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(healthcheck, env=environment, capture_output=True, timeout=20, check=False)
    assert (done.returncode == 0) is healthy


def test_health_needs_an_answer(healthcheck: list[str]) -> None:
    """The container is unhealthy while nobody listens."""
    done = subprocess.run(
        healthcheck, env={"DRIFTLINE_LIVEZ": "http://127.0.0.1:9/livez"}, capture_output=True, timeout=20, check=False
    )
    assert done.returncode != 0


@pytest.mark.parametrize("name", ["monitor", "requirements", "pyproject.toml", "README.md", "LICENSE"])
def test_the_context_holds_what_is_copied(name: str) -> None:
    """What the Dockerfile copies is let through by .dockerignore, which keeps out everything else."""
    rules = (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in rules
    assert f"!{name}" in rules
