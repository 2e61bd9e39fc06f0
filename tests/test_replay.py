from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from monitor.errors import ConfigError, ReferenceUnusable
from monitor.injection import parse_injection
from monitor.instant import from_text, to_text
from monitor.pipeline.cycle import Pipeline
from monitor.replay import Replay, Told, merged, summary
from monitor.store.database import StateSettings, open_state
from tests.cli.conftest import reference_table
from tests.contracts import schemas
from tests.replaying import BEGIN, HOUR, plan_of, write_log

DAYS, SHIFT_DAY = 6, 4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a reference, and logs that drift from their fifth day on."""
    folder = tmp_path_factory.mktemp("replay")
    pq.write_table(reference_table(), folder / "reference.parquet")
    write_log(folder / "logs" / "a.jsonl", DAYS, shift_from=SHIFT_DAY)
    write_log(folder / "calm" / "a.jsonl", 3, seed=8)
    return folder


@pytest.fixture(scope="module")
def whole(root: Path) -> tuple[Replay, list[dict[str, Any]]]:
    """Return the replay of all that was logged, and its lines."""
    replay = Replay(plan_of(root, root / "reference.parquet"))
    return replay, list(replay.lines())


def windows(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of windows."""
    return [line for line in lines if line["kind"] == "window"]


def alerts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of alerts."""
    return [line for line in lines if line["kind"] == "alert"]


def test_every_line_keeps_the_contract(whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """Each line has exactly the keys of its kind, and its numbers bear out what it says."""
    assert {fault for line in whole[1] for fault in schemas.faults(schemas.BACKTEST[line["kind"]], line)} == set()


def test_each_window_is_told_once(whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """Every hour of the log has one line, in order."""
    starts = [to_text(BEGIN + hour * HOUR) for hour in range(DAYS * 24)]
    assert [line["start"] for line in windows(whole[1])] == starts


def test_lines_come_in_order_of_their_instants(whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """Lines are ordered by when they were known; a window comes before the alert that it brought about."""
    rank = {"window": 0, "performance": 1, "alert": 2}
    keys = [(line.get("closed_at") or line["at"], rank[line["kind"]]) for line in whole[1]]
    assert keys == sorted(keys)


def test_drift_is_found_and_named(whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """The alert comes after the drift began, names the drifted column first, and says since when it lasts."""
    first = alerts(whole[1])[0]
    began = to_text(BEGIN + SHIFT_DAY * 24 * HOUR)
    assert (first["columns"][0], first["reason"]) == ("temp", "first_time")
    assert began < first["at"] < to_text(BEGIN + (SHIFT_DAY + 1) * 24 * HOUR)
    assert abs(from_text(first["began_at"]) - from_text(began)) <= 2 * HOUR


def test_the_summary_counts_the_lines(whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """The summary keeps the contract, and its counts are those of the lines."""
    replay, lines = whole
    body = summary([replay], "sha256:" + "0" * 12, 1.5)
    assert schemas.faults(schemas.SUMMARY, json.dumps(body)) == []
    model = body["models"][0]
    verdicts = Counter(line["verdict"] for line in windows(lines))
    assert model["windows"] == dict.fromkeys(schemas.VERDICTS, 0) | verdicts
    assert model["records"] == sum(line["rows"] for line in windows(lines))
    fired = Counter(line["name"] for line in alerts(lines) if line["reason"] == "first_time")
    assert (body["answer"], model["alerts"]) == ("drift", fired)
    assert (model["from"], model["to"]) == (lines[0]["start"], windows(lines)[-1]["end"])
    assert model["first_alert_at"] == alerts(lines)[0]["at"]


def test_without_drift_the_answer_is_no_drift(root: Path) -> None:
    """Records that are as the reference's bring about no alert."""
    replay = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"))
    assert alerts(list(replay.lines())) == []
    assert summary([replay], "", 0.0)["answer"] == "no_drift"


def test_a_replay_gives_the_same_lines_again(root: Path, whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """The same log and config give the same lines, byte for byte."""
    again = list(Replay(plan_of(root, root / "reference.parquet")).lines())
    assert json.dumps(again) == json.dumps(whole[1])


def test_a_replay_is_what_run_gives(root: Path, tmp_path: Path, whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """A pipeline that keeps its state closes the same windows with the same bodies, bit for bit."""
    state = open_state(StateSettings(directory=str(tmp_path / "state")), tmp_path)
    pipeline = Pipeline(plan_of(root, root / "reference.parquet"), state, event_clock=True, block_bytes=2**16)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    pipeline.close()
    state.close()
    assert json.dumps([body for each in closed for body in each.windows]) == json.dumps(windows(whole[1]))


def test_what_is_told_can_be_bounded(root: Path, whole: tuple[Replay, list[dict[str, Any]]]) -> None:
    """Between two instants exactly the lines of the whole replay are told: what was before counts all the same."""
    since, until = BEGIN + 90 * HOUR, BEGIN + 120 * HOUR
    replay = Replay(plan_of(root, root / "reference.parquet"), Told(since, until))
    told = list(replay.lines())
    ids = {
        line["id"] for line in windows(whole[1]) if to_text(since) <= line["start"] and line["end"] <= to_text(until)
    }
    assert told == [line for line in whole[1] if (line["id"] if line["kind"] == "window" else line["window"]) in ids]
    assert [replay.summary()[key] for key in ("from", "to")] == [to_text(since), to_text(until)]


def test_what_is_not_told_is_no_answer(root: Path) -> None:
    """An alert that fired before the bounds makes no answer of drift."""
    replay = Replay(plan_of(root, root / "reference.parquet"), Told(until=BEGIN + 48 * HOUR))
    assert len(list(replay.lines())) == 48
    assert not replay.fired


def test_the_last_line_needs_no_end(root: Path, tmp_path: Path) -> None:
    """A log whose last line is not ended is read whole: nobody writes on."""
    log = write_log(tmp_path / "logs" / "a.jsonl", 0.2)
    log.write_text(log.read_text().rstrip("\n"))
    replay = Replay(plan_of(tmp_path, root / "reference.parquet"))
    assert sum(line["rows"] for line in windows(list(replay.lines()))) == len(log.read_text().splitlines())


def test_without_records_there_is_a_summary(root: Path, tmp_path: Path) -> None:
    """A log that matches no file gives no line, and a summary of unknowns."""
    replay = Replay(plan_of(tmp_path, root / "reference.parquet"))
    assert (list(replay.lines()), replay.matches) == ([], 0)
    body = summary([replay], "sha256:" + "0" * 12, 0.0)
    assert schemas.faults(schemas.SUMMARY, body) == []
    assert (body["answer"], body["models"][0]["from"], body["models"][0]["records"]) == ("no_drift", None, 0)


def test_a_version_without_a_reference_is_told(root: Path, tmp_path: Path) -> None:
    """Where each version has a reference and this one has none, its windows are told as not judged."""
    write_log(tmp_path / "logs" / "a.jsonl", 0.3)
    (tmp_path / "2.parquet").write_bytes((root / "reference.parquet").read_bytes())
    replay = Replay(plan_of(tmp_path, Path("{version}.parquet")))
    assert {line["why"] for line in windows(list(replay.lines()))} == {"no_reference"}
    assert replay.summary()["calibrated"] is False


def test_models_are_told_side_by_side(root: Path) -> None:
    """The lines of several models come in one order of time, each model's own kept."""
    reference = root / "reference.parquet"
    replays = [Replay(plan_of(root, reference, name, "calm/*.jsonl")) for name in ("b", "a")]
    lines = list(merged(replays))
    assert [line["closed_at"] for line in lines] == sorted(line["closed_at"] for line in lines)
    assert Counter(line["model"] for line in lines) == {"a": 72, "b": 72}


def test_a_reference_that_cannot_be_used_ends_it(root: Path, tmp_path: Path) -> None:
    """A reference that is not there is an error before anything is read."""
    with pytest.raises(ReferenceUnusable):
        Replay(plan_of(root, tmp_path / "nowhere.parquet"))


def test_the_share_that_is_done_grows_to_all(root: Path) -> None:
    """The progress goes from none to all with the windows that are closed, and never falls."""
    replay = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"))
    seen = [replay.done_ratio(), *(replay.done_ratio() for _ in replay.lines())]
    assert seen[0] == 0.0
    assert seen == sorted(seen)
    assert seen[len(seen) // 2] == pytest.approx(0.5, abs=0.1)
    assert seen[-1] == 1.0


def test_injected_drift_is_found_after_a_while(root: Path) -> None:
    """Drift put into calm records brings about an alert that names the column, and its delay is told."""
    spec = f"column=wind scale=2 from={to_text(BEGIN + 30 * HOUR)}"
    replay = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"), injections=[parse_injection(spec)])
    fired = alerts(list(replay.lines()))
    (found,) = replay.injected()
    assert (found["spec"], found["alert"], found["found_at"]) == (spec, fired[0]["id"], fired[0]["at"])
    assert fired[0]["columns"] == ["wind"]
    assert 0 < found["delay_seconds"] <= 24 * 3600
    assert found["from"] < found["column_over_at"]


@pytest.mark.parametrize("change", ["column=temp delay=12h", "column=carrier mix=UA:0.7"])
def test_stale_values_and_another_mix_are_found(root: Path, change: str) -> None:
    """Values of twelve hours before, and records of whom one category is most, are found by their column."""
    spec = f"{change} from={to_text(BEGIN + 30 * HOUR)}"
    replay = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"), injections=[parse_injection(spec)])
    list(replay.lines())
    (found,) = replay.injected()
    assert 0 < found["delay_seconds"] <= 24 * 3600


def test_repeated_records_are_counted(root: Path) -> None:
    """Records that come twice are counted twice; where none drifts, they are told as not found."""
    spec = f"duplicate=1 from={to_text(BEGIN + 30 * HOUR)}"
    replay = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"), injections=[parse_injection(spec)])
    found = windows(list(replay.lines()))
    plain = windows(list(Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl")).lines()))
    assert [one["rows"] for one in found] == [one["rows"] * (1 + (at >= 30)) for at, one in enumerate(plain)]
    assert replay.summary()["records"] == sum(one["rows"] for one in found)


def test_stale_values_do_not_depend_on_the_files(root: Path, tmp_path: Path) -> None:
    """A log in two files that were written side by side gives the windows of the log in one."""
    calm = (root / "calm" / "a.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "logs").mkdir()
    for place in range(2):
        (tmp_path / "logs" / f"{place}.jsonl").write_text("".join(calm[place::2]))
    injections = [parse_injection(spec) for spec in ("column=temp delay=5h", "column=carrier mix=UA:0.4")]
    parted = Replay(plan_of(tmp_path, root / "reference.parquet"), injections=injections)
    whole = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"), injections=injections)
    assert list(parted.lines()) == list(whole.lines())


def test_an_injection_that_is_not_found_says_so(root: Path) -> None:
    """A change too small to see is told as not found."""
    plan = plan_of(root, root / "reference.parquet", log="calm/*.jsonl")
    replay = Replay(plan, injections=[parse_injection("column=wind offset=0.001")])
    assert alerts(list(replay.lines())) == []
    (found,) = replay.injected()
    assert (found["from"], found["found_at"], found["delay_seconds"], found["alert"]) == (
        to_text(BEGIN),
        None,
        None,
        None,
    )


def test_an_alert_that_fires_already_is_told(root: Path) -> None:
    """Where an alert fires already when the injection begins, the answer says that it held others back."""
    spec = f"column=wind scale=3 from={to_text(BEGIN + 130 * HOUR)}"
    replay = Replay(plan_of(root, root / "reference.parquet"), injections=[parse_injection(spec)])
    list(replay.lines())
    (found,) = replay.injected()
    assert (found["alert_fired_before"], found["found_at"]) == (True, None)
    assert found["column_over_at"] is not None


def test_an_injection_must_fit_the_model(root: Path) -> None:
    """A column that the model does not have is a fault before anything is read."""
    with pytest.raises(ConfigError):
        Replay(plan_of(root, root / "reference.parquet"), injections=[parse_injection("column=nowhere scale=2")])


@pytest.fixture(autouse=True)
def _no_file_is_left(root: Path) -> Iterator[None]:
    """Check that a replay writes nothing beside the logs."""
    before = sorted(root.rglob("*"))
    yield
    assert sorted(root.rglob("*")) == before


def test_a_stamp_of_the_far_future_is_set_aside(root: Path, tmp_path: Path) -> None:
    """One record of the year 9999 is counted as refused, and every window is told as without it."""
    calm = (root / "calm" / "a.jsonl").read_text().splitlines(keepends=True)
    odd = json.dumps({**json.loads(calm[500]), "timestamp": "9999-01-01T00:00:00Z"}) + "\n"
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_text("".join([*calm[:500], odd, *calm[500:]]))
    now = from_text("2026-01-01T00:00:00Z")
    spoiled = Replay(plan_of(tmp_path, root / "reference.parquet"), now=now)
    plain = Replay(plan_of(root, root / "reference.parquet", log="calm/*.jsonl"), now=now)
    assert list(spoiled.lines()) == list(plain.lines())
    assert spoiled.summary()["records_rejected"] == {"timestamp_future": 1}
    assert plain.summary()["records_rejected"] == {}
