"""``driftline alerts`` and ``deliveries`` beside a daemon: a word is heard, and shown everywhere."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
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
receivers:
  - {name: team, type: log}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a config, a reference and a log that drifts from the sixth hour on."""
    folder = tmp_path_factory.mktemp("alerts")
    write_reference(folder / "reference.parquet")
    (folder / "config.yaml").write_text(CONFIG)
    for first, hours, shift in ((0, 5, 0.0), (5, 3, 2.0)):
        write_log(folder / "log.jsonl", World(seed=1, shift=shift).hours(first, hours))
    return folder


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[SteppedDaemon]:
    """Run a daemon over it, whose alert fires."""
    daemon = SteppedDaemon(folder / "config.yaml", {})
    try:
        daemon.advance(0)
        yield daemon
    finally:
        daemon.close()


def body_of(answer: Answer) -> dict[str, Any]:
    """Return the object that was printed; the daemon's own log may stand before it: it is in this process."""
    body: dict[str, Any] = json.loads(answer.out.splitlines()[-1])
    return body


def listed(driftline: Driftline, folder: Path, *command: str) -> list[dict[str, Any]]:
    """Return what a command lists."""
    found: list[dict[str, Any]] = body_of(driftline(*command, "-c", folder / "config.yaml", "--format", "json"))[
        "items"
    ]
    return found


def test_without_a_state_nothing_is_listed(driftline: Driftline, config: Path) -> None:
    """Before a daemon ran there is no state, and none is made."""
    for command in (("alerts", "list"), ("alerts", "silences"), ("deliveries", "list"), ("alerts", "show", "al_x")):
        done = driftline(*command, "-c", config)
        assert (done.code, done.err.startswith("fatal[E314]")) == (3, True), command
    assert not (config.parent / ".driftline").exists()


def test_a_silence_of_everything_is_taken_with_a_warning(
    driftline: Driftline, folder: Path, daemon: SteppedDaemon
) -> None:
    """It is listed, in status, on the page and in the metrics until it is ended; who made it is named."""
    config = folder / "config.yaml"
    asked = ("alert=~.*", "--for", "2h", "--comment", "we know", "--by", "ann")
    done = driftline("alerts", "silence", *asked, "-c", config)
    assert (done.code, done.err) == (0, "warning: this silence matches every alert of every model\n")
    (made,) = listed(driftline, folder, "alerts", "silences")
    assert (made["created_by"], made["everything"], made["matchers"]) == ("ann", True, ["alert=~.*"])
    (alert,) = listed(driftline, folder, "alerts", "list")
    assert alert["withheld"] == {"why": "silenced", "by": made["id"]}
    assert "silenced: EVERY alert until" in driftline("status", "-c", config).out
    with urllib.request.urlopen(daemon.page, timeout=10) as page:  # noqa: S310 - our own
        assert "A silence withholds every message; 1 alert firing" in page.read().decode()
    daemon.daemon.publish()
    text = daemon.daemon.view.metrics("text/plain").body.decode()
    assert 'driftline_silences{everything="true"} 1.0' in text
    assert (
        'driftline_alerts_withheld{alert="drift",model="shop",severity="warning",version="1",why="silenced"} 1.0'
        in text
    )
    assert driftline("alerts", "unsilence", made["id"], "-c", config, "--by", "kim").code == 0
    assert listed(driftline, folder, "alerts", "silences") == []
    assert [each["ended_by"] for each in listed(driftline, folder, "alerts", "silences", "--all")] == ["kim"]
    assert driftline("alerts", "unsilence", made["id"], "-c", config).code == 3


def test_an_alert_is_taken_in_hand(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """Who has it, and what is said, stand in the list, the alert itself and in status."""
    config = folder / "config.yaml"
    (alert,) = listed(driftline, folder, "alerts", "list")
    done = driftline("alerts", "ack", alert["id"], "-c", config, "--by", "ann", "--note", "at it")
    assert (done.code, done.out.splitlines()[-1]) == (0, f"{alert['id']} is in the hands of ann")
    shown = body_of(driftline("alerts", "show", alert["id"], "-c", config))
    assert (shown["acknowledged_by"], shown["note"], shown["columns"] != []) == ("ann", "at it", True)
    assert "in hand: ann" in driftline("alerts", "list", "-c", config).out
    (live,) = body_of(driftline("status", "-c", config, "--format", "json"))["alerts"]
    assert (live["acknowledged_by"], live["withheld"]) == ("ann", {"why": "acknowledged", "by": "ann"})


def test_a_message_is_sent_again(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """What was delivered is not; an id that nothing has is refused."""
    assert daemon.settle(10)
    (sent,) = listed(driftline, folder, "deliveries", "list", "--receiver", "team", "--status", "delivered")
    done = driftline("deliveries", "retry", sent["id"], "-c", folder / "config.yaml")
    assert (done.code, done.err.startswith("fatal[E350]: the message was delivered already")) == (3, True)
    assert sent["id"] in driftline("deliveries", "list", "-c", folder / "config.yaml").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("alert=~(", "--for", "2h"), "not a pattern of RE2"),
        (("colour=red", "--for", "2h"), "no alert has such a label"),
        (("drift", "--for", "2h"), "not a matcher"),
        (("alert=drift", "--for", "soon"), "not a duration"),
        (("alert=drift",), "expected one of --for and --until"),
        (("alert=drift", "--until", "2020-01-01T00:00:00Z"), "it ends before it starts"),
        (("alert=drift", "--start", "2020-01-01", "--until", "2020-01-02"), "it has ended already"),
        (("alert=drift", "--start", "2030-01-02", "--until", "2030-01-01"), "it ends before it starts"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_an_argument_at_fault(
    driftline: Driftline, config: Path, arguments: tuple[str, ...], expected: str
) -> None:
    """It ends with 2, before anybody is asked."""
    done = driftline("alerts", "silence", *arguments, "--comment", "x", "-c", config)
    assert done.code == 2
    assert expected in " ".join(done.err.replace("│", " ").split())


def test_nothing_is_said_of_what_there_is_not(driftline: Driftline, folder: Path, daemon: SteppedDaemon) -> None:
    """An unknown alert, silence or delivery is refused in a sentence."""
    config = folder / "config.yaml"
    for command in (("alerts", "ack"), ("alerts", "show"), ("alerts", "unsilence"), ("deliveries", "retry")):
        done = driftline(*command, "al_none", "-c", config)
        assert (done.code, done.err.startswith("fatal[E350]: there is no such")) == (3, True), command
