"""``driftline actions``: what is listed, what a person says to a running daemon, and the kill switch."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.app.stepped import SteppedDaemon
from monitor.pipeline.gating import SWITCH
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a config, a reference and a log that drifts from the sixth hour on."""
    folder = tmp_path_factory.mktemp("actions")
    write_reference(folder / "reference.parquet")
    (folder / "config.yaml").write_text(CONFIG)
    for first, hours, shift in ((0, 5, 0.0), (5, 3, 2.0)):
        write_log(folder / "log.jsonl", World(seed=1, shift=shift).hours(first, hours))
    return folder


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[SteppedDaemon]:
    """Run a daemon over it, whose action waits."""
    daemon = SteppedDaemon(folder / "config.yaml", {})
    try:
        daemon.advance(0)
        yield daemon
    finally:
        daemon.close()


def listed(driftline: Driftline, config: Path) -> dict[str, Any]:
    """Return what is listed, which the daemon's own log may stand before: it is in this process."""
    body: dict[str, Any] = json.loads(
        driftline("actions", "list", "-c", config, "--format", "json").out.splitlines()[-1]
    )
    return body


def refused(listen: str, path: str, token: str) -> int:
    """Return the status of an answer to who asks past the command."""
    head = {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(f"http://{listen}/api/v1/actions/{path}", b'{"by": "eve"}', head)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(asked, timeout=10):  # noqa: S310
        pass
    caught.value.close()
    return caught.value.code


def test_without_a_state_nothing_is_listed_or_suspended(driftline: Driftline, config: Path) -> None:
    """Before a daemon ran there is no state, and none is made."""
    for command in ("list", "suspend", "resume"):
        done = driftline("actions", command, "-c", config)
        assert (done.code, done.err.startswith("fatal[E314]")) == (3, True), command
    assert not (config.parent / ".driftline").exists()


def test_a_person_rules_beside_the_daemon(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """What waits is listed; who reaches the port alone cannot approve; an approval is taken once, with a name."""
    config = folder / "config.yaml"
    (waiting,) = listed(driftline, config)["items"]
    assert (waiting["status"], waiting["why"], waiting["trigger"]) == ("awaiting_approval", "needs_approval", "drift")
    listen, id_ = daemon.daemon.url.removeprefix("http://"), waiting["id"]
    job = daemon.daemon.running.workers["shop"].plan.token
    assert job is not None
    assert [refused(listen, f"{id_}/approve", token) for token in ("x", job(id_))] == [401, 401]
    assert refused(listen, f"{id_}/started", job(id_)) == 409
    done = driftline("actions", "approve", waiting["id"], "-c", config, "--by", "ann")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"{waiting['id']} is requested (approved)\n")  # after the daemon's own log
    (asked,) = listed(driftline, config)["items"]
    assert [(each["why"], each["by"]) for each in asked["decisions"]] == [("needs_approval", None), ("approved", "ann")]
    assert [body["receiver"] for body in daemon.deliveries() if body["receiver"] == "job"] == ["job"]
    for verb in ("approve", "reject"):
        done = driftline("actions", verb, waiting["id"], "-c", config)
        assert done.code == 3
        assert done.err.startswith("fatal[E350]: the action is requested (approved) and does not wait for approval")
    table = driftline("actions", "list", "-c", config).out
    assert [word for word in (waiting["id"], "drift", "requested", "approved", "ann") if word not in table] == []
    with urllib.request.urlopen(f"http://{listen}/", timeout=10) as page:
        assert id_ in page.read().decode()
    daemon.daemon.publish()
    text = daemon.daemon.view.metrics("text/plain").body.decode()
    assert 'driftline_retrain_suppressed_total{model="shop",reason="suspended"} 0.0' in text


def test_an_unknown_action_is_told(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """An id that nothing has is refused in a sentence."""
    done = driftline("actions", "reject", "ac_none", "-c", folder / "config.yaml")
    assert (done.code, done.err.startswith("fatal[E350]: there is no such action")) == (3, True)


def test_the_switch_is_a_private_file(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """Suspending twice is suspending once; who did it stands in the file, which only its owner reads."""
    config, switch = folder / "config.yaml", folder / ".driftline" / SWITCH
    assert driftline("actions", "suspend", "-c", config, "--by", "ann").code == 0
    assert driftline("actions", "suspend", "-c", config).out.endswith("actions are suspended already\n")
    assert (json.loads(switch.read_text())["by"], switch.stat().st_mode & 0o777) == ("ann", 0o600)
    assert listed(driftline, config)["suspended"] is True
    assert "actions are suspended;" in driftline("actions", "list", "-c", config).out
    assert daemon.daemon.running.workers["shop"].plan.switch == switch
    assert driftline("actions", "resume", "-c", config).code == 0
    assert driftline("actions", "resume", "-c", config).out.endswith("actions are not suspended\n")
    assert not switch.exists()


def test_without_a_daemon_nobody_is_asked(driftline: Driftline, config: Path, tmp_path: Path) -> None:
    """A state that no daemon holds is told as such."""
    from monitor.store.database import StateSettings, open_state

    open_state(StateSettings(), config.parent).close()
    done = driftline("actions", "approve", "ac_x", "-c", config)
    assert (done.code, done.err.startswith("fatal[E350]: no daemon runs on this state")) == (3, True)
