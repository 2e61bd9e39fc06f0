"""What a daemon refuses: each refusal has its exit code, says what is wrong and what to do, and starts nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.scripted_http import answer, scripted
from tests.stories.running import Daemon, until
from tests.stories.world import CANARIES, MODEL, World

pytestmark = pytest.mark.story
Run = Callable[..., Daemon]


def refusal(run: Run, code: int) -> str:
    """Start a daemon that is to refuse, and return what it said."""
    daemon = run()
    assert daemon.wait() == code, daemon.err
    assert daemon.out == ""
    assert not daemon.events("started")
    return daemon.err


def fault(said: str) -> dict[str, Any]:
    """Return the one fault among the lines said."""
    (found,) = [line for line in map(json.loads, filter(None, said.splitlines())) if line["code"].startswith("E")]
    return dict(found)


def test_two_daemons_share_no_state(run: Run) -> None:
    """The second daemon on one state ends with 3 and names the first's process; the first goes on."""
    first = run()
    assert first.url
    said = refusal(run, 3)
    assert "fatal[E310]" in said
    assert str(first.pid) in said
    assert first.ask("/readyz")[0] == 200


def test_a_port_that_is_taken_is_fatal(run: Run, world: World) -> None:
    """A daemon whose port is taken ends with 3 and names the address and the key to change."""
    with scripted(answer(200)) as other:
        world.config(server={"listen": f"127.0.0.1:{other.port}"})
        said = refusal(run, 3)
    assert "fatal[E320]" in said
    assert f"127.0.0.1:{other.port}" in said
    assert "server.listen" in said


def test_a_state_directory_that_cannot_be_made_is_fatal(run: Run, world: World) -> None:
    """A state directory below a file ends the daemon with 3, and names the directory and the key."""
    world.config(state={"directory": "config.yaml/state"})
    said = refusal(run, 3)
    assert "fatal[E313]" in said
    assert "state.directory" in said


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("nowhere.parquet", None, "E164", "No such file"),
        ("torn.parquet", b"PAR1 pathcanary", "E161", "torn.parquet"),
        ("pickled.pkl", b"\x80\x04.", "E162", "pickle"),
        ("empty.csv", b"timestamp,a\n", "E163", "no row"),
    ],
)
def test_a_reference_that_cannot_be_used_is_a_fault(
    run: Run, world: World, name: str, content: bytes | None, code: str, words: str
) -> None:
    """A reference that is missing, torn, pickled or empty ends with 2, blamed at its line of the config."""
    if content is not None:
        (world.folder / name).write_bytes(content)
    config = world.config({"reference": {"path": name}})
    found = fault(refusal(run, 2))
    assert (found["code"], found["path"]) == (code, f"models[{MODEL}].reference.path")
    assert words in found["message"]
    assert f'"path": "{name}"' in config.read_text("utf-8").splitlines()[found["line"] - 1]


def test_each_reference_of_a_map_is_blamed_at_its_version(run: Run, world: World) -> None:
    """Of references by version each that cannot be used is a fault at its own path, all at once, as `check` says it."""
    (world.folder / "torn.parquet").write_bytes(b"PAR1 pathcanary")
    world.model["reference"] = {"1": {"path": "references/1.parquet"}} | {
        each: {"path": "torn.parquet"} for each in "23"
    }
    world.config()
    said = refusal(run, 2)
    assert [f"models[{MODEL}].reference.{version}.path" in said for version in "123"] == [False, True, True]


def test_a_reference_without_rows_is_a_fault(run: Run, world: World) -> None:
    """A Parquet reference of the right columns and no row ends with 2."""
    whole = world.folder / "references" / "1.parquet"
    pq.write_table(pq.read_table(whole).slice(0, 0), world.folder / "hollow.parquet")
    world.config({"reference": {"path": "hollow.parquet"}})
    assert fault(refusal(run, 2))["code"] == "E163"


@pytest.mark.parametrize(
    ("model", "path", "near"),
    [
        ({"columns": {"features": ["inputs.a", "inputs.levle"]}}, "columns", "level"),
        ({"columns": {"exclude": ["flagg"]}}, "columns", "flag"),
        ({"columns": {"score": "scor"}}, "columns.score", "score"),
        ({"drift": {"columns": {"leval": {"importance": 2}}}}, "drift.columns.leval", "level"),
    ],
)
def test_a_column_that_is_nowhere_is_a_fault(
    run: Run, world: World, model: dict[str, Any], path: str, near: str
) -> None:
    """A column that the config names and the reference lacks ends with 2 and the nearest name."""
    world.config(model)
    found = fault(refusal(run, 2))
    assert (found["code"], found["path"]) == ("E166", f"models[{MODEL}].{path}")
    assert near in found["help"]


def test_all_faults_are_told_at_once(run: Run, world: World) -> None:
    """Two faults of a config are told by one start, and no secret of it with them."""
    receivers = [world.receiver("team", "http://127.0.0.1:9/pathcanary", tiemout="1s", reties=3)]
    world.config(receivers=receivers)
    said = refusal(run, 2)
    assert "tiemout" in said
    assert "reties" in said
    assert not [canary for canary in CANARIES if canary in said]


def test_a_config_that_is_not_there_is_a_fault(run: Run, world: World) -> None:
    """Without its config file a daemon ends with 2 and leaves no state behind."""
    (world.folder / "config.yaml").unlink()
    assert fault(refusal(run, 2))["code"] == "E100"
    assert not (world.folder / ".driftline").exists()


def test_a_reference_that_comes_torn_is_told_and_waited_for(run: Run, world: World) -> None:
    """A version's reference that cannot be read while running shows in readiness, and is read once it is whole."""
    whole = world.folder / "references" / "1.parquet"
    content = whole.read_bytes()
    world.log(3)
    daemon = run()
    until(lambda: daemon.items(f"models/{MODEL}/windows"))
    torn = world.folder / "references" / "2.parquet"
    torn.write_bytes(content[:1000])
    name = f"reference:{MODEL}:2"
    assert not until(lambda: _check(daemon, name))["ok"]
    assert daemon.ask("/readyz")[0] == 200
    assert daemon.event("reference_unusable")["version"] == "2"
    torn.write_bytes(content)
    assert until(lambda: _check(daemon, name) is None)


def _check(daemon: Daemon, name: str) -> dict[str, Any] | None:
    checks = daemon.get("/readyz")["checks"]
    return next((dict(check) for check in checks if check["name"] == name), None)


def test_a_path_is_no_config(run: Run, world: World) -> None:
    """A folder in the place of the config ends with 2."""
    (world.folder / "config.yaml").unlink()
    Path(world.folder / "config.yaml").mkdir()
    assert fault(refusal(run, 2))["code"] == "E100"
