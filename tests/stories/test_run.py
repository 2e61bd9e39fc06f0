"""The daemon as a user runs it: it starts, answers, and reads what a model server appends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stories.running import Daemon, until
from tests.stories.world import MODEL, ROWS_AN_HOUR, World, append

pytestmark = pytest.mark.story
Run = Callable[..., Daemon]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon that has read ten calm hours."""
    world = World(tmp_path_factory.mktemp("calm") / "world")
    world.reference()
    world.config()
    world.log(10)
    daemon = Daemon(world.folder)
    try:
        until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 9)
        yield daemon
    finally:
        daemon.kill()


def test_a_running_daemon_is_alive_and_ready(calm: Daemon) -> None:
    """Once started, /livez and /readyz answer 200, and every check of the latter is fine."""
    assert calm.ask("/livez")[0] == 200
    status, _ = calm.ask("/readyz")
    body = calm.get("/readyz")
    assert (status, body["ready"]) == (200, True)
    assert [check for check in body["checks"] if not check["ok"]] == []


def test_every_record_of_the_log_is_counted(calm: Daemon) -> None:
    """The page of metrics counts each line of the log once."""
    want = 10 * ROWS_AN_HOUR
    assert until(lambda: calm.metric("driftline_records_total", model=MODEL, source="records")) == want
    assert calm.metric("driftline_records_total", model=MODEL, source="targets") == want
    assert calm.metric("driftline_records_late_total", model=MODEL, source="records") == 0


def test_a_closed_window_is_answered_by_the_api(calm: Daemon) -> None:
    """Each hour whose lateness is over has one window, whose rows are the log's."""
    windows = calm.items(f"models/{MODEL}/windows")
    assert {window["verdict"] for window in windows} == {"stable"}
    assert 9 * ROWS_AN_HOUR * 0.9 < sum(window["rows"] for window in windows) <= 10 * ROWS_AN_HOUR


def test_the_page_shows_the_model(calm: Daemon) -> None:
    """The web page is HTML that names the model."""
    status, body = calm.ask("/")
    assert (status, MODEL in body.decode()) == (200, True)


def test_status_is_told_beside_the_daemon(calm: Daemon) -> None:
    """The status over HTTP tells of this process and of its one model, whose source is healthy."""
    body = calm.get("/api/v1/status")
    assert body["daemon"]["pid"] == calm.pid
    assert [source["healthy"] for source in body["models"][0]["sources"]] == [True, True]


def test_lines_appended_are_read(run: Run, world: World) -> None:
    """What is appended while the daemon runs, half a line at a time, is counted within seconds and once."""
    world.log(1)
    daemon = run()
    until(lambda: daemon.metric("driftline_records_total", source="records") == ROWS_AN_HOUR)
    world.log(1, file="second")
    path = world.folder / "logs" / "log.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)[0]
    with path.open("ab", buffering=0) as log:
        log.write(whole[:50])
        until(lambda: daemon.metric("driftline_records_total", source="records") == 2 * ROWS_AN_HOUR)
        log.write(whole[50:])
    until(lambda: daemon.metric("driftline_records_total", source="records") == 2 * ROWS_AN_HOUR + 1)


def test_bad_lines_are_refused_and_the_rest_is_read(run: Run, world: World) -> None:
    """Lines that are no JSON are counted by reason, logged without their content, and stop nothing."""
    (world.folder / "logs" / "log.jsonl").write_bytes(b'{"customer": "pathcanary"\n')
    world.log(1)
    daemon = run()
    until(lambda: daemon.metric("driftline_records_total", source="records") == ROWS_AN_HOUR + 1)
    assert daemon.metric("driftline_records_rejected_total", source="records", reason="json_syntax") == 1
    assert daemon.event("row_rejected")["reason"] == "json_syntax"


def test_a_source_that_matches_nothing_is_waited_for(run: Run, world: World) -> None:
    """Without a file the daemon is ready, and its readiness says what it waits for; a file that comes is read."""
    daemon = run()
    assert daemon.ask("/readyz")[0] == 200
    check = daemon.check(f"source:{MODEL}:records")
    assert (check["ok"], "logs/*.jsonl" in check["why"]) == (False, True)
    world.log(1)
    until(lambda: daemon.metric("driftline_records_total", source="records") == ROWS_AN_HOUR)
    assert until(lambda: daemon.check(f"source:{MODEL}:records")["ok"])


def test_records_wait_for_the_reference_of_their_version(run: Run, world: World) -> None:
    """Without any reference nothing is read and readiness says so; with its file the log is judged from the start."""
    reference = world.folder / "references" / "1.parquet"
    hidden = reference.rename(world.folder / "hidden.parquet")
    world.log(3)
    daemon = run()
    check = daemon.check(f"source:{MODEL}:records")
    assert (check["ok"], "no reference" in check["why"]) == (False, True)
    hidden.rename(reference)
    windows = until(lambda: daemon.items(f"models/{MODEL}/windows"))
    assert {window["verdict"] for window in windows} == {"stable"}
    assert windows[-1]["rows"] > 0


def test_a_target_without_a_record_stops_nothing(run: Run, world: World, tmp_path: Path) -> None:
    """Targets of records that were never logged are counted as read."""
    del tmp_path
    append(world.folder / "targets" / "odd.jsonl", [{"request_id": "nobody", "target": 1}])
    world.log(2)
    daemon = run()
    until(lambda: daemon.metric("driftline_records_total", source="targets") == 2 * ROWS_AN_HOUR + 1)
    until(lambda: daemon.items(f"models/{MODEL}/windows"))
