from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from monitor.demo.data import FEATURES
from monitor.demo.lines import json_objects
from monitor.demo.model import Model
from monitor.demo.serve import Server
from monitor.instant import SECOND, from_text, to_text

DAY = 86_400 * SECOND
END = from_text("2013-02-04T00:00:00Z")


def _served(rows: pa.Table, model: Model, directory: Path, *instants: str) -> Server:
    server = Server(rows, directory)
    server.deploy(model)
    for instant in instants:
        server.serve(from_text(instant))
    return server


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_a_record_is_a_line_of_the_native_format(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """What is logged of a flight is what was asked and answered, and nothing of what became of it."""
    _served(january, model, tmp_path, "2013-01-01T10:30:00Z")
    first = _lines(tmp_path / "logs")[0]
    assert list(first) == [
        *("timestamp", "request_id", "model_version", "inputs", "prediction", "score", "latency_ms"),
    ]
    assert first["timestamp"] == "2013-01-01T10:15:00Z"
    assert list(first["inputs"]) == list(FEATURES)
    assert first["score"] == model.score(january.slice(0, 1))[0]
    assert first["latency_ms"] > 0


def test_a_target_comes_a_day_later(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """No target is written before a day has passed, and it is stamped with that later instant."""
    server = _served(january, model, tmp_path, "2013-01-02T10:15:00Z")
    assert _lines(tmp_path / "targets") == []
    server.serve(from_text("2013-01-02T10:16:00Z"))
    assert _lines(tmp_path / "targets") == [
        {"timestamp": "2013-01-02T10:15:00Z", "request_id": "20130101-UA1545-EWR", "target": 0},
    ]


def test_a_flight_that_never_arrived_gets_no_target(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """Targets are as many as outcomes, so that their share of the records is under one."""
    server = _served(january, model, tmp_path, "2013-02-04T00:00:00Z")
    written = _lines(tmp_path / "targets")
    assert server.ended
    assert len(written) == server.targets == len(january) - january["late"].null_count


def test_steps_change_nothing(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """One step or many: the files are byte for byte the same."""
    _served(january, model, tmp_path / "once", "2013-02-04T00:00:00Z")
    start = from_text("2013-01-01T00:00:00Z")
    _served(
        january, model, tmp_path / "often", *(to_text(at) for at in range(start, END + 1, 7 * DAY // 10)), to_text(END)
    )
    for name in ("logs/2013-01.jsonl", "logs/2013-02.jsonl", "targets/2013-01.jsonl", "targets/2013-02.jsonl"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "often" / name).read_bytes()


def test_a_new_version_answers_from_the_next_record_on(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """What was logged stays as it is; what follows carries the new version."""
    server = _served(january, model, tmp_path, "2013-01-10T00:00:00Z")
    before = server.served
    server.deploy(replace(model, version="2"))
    server.serve(from_text("2013-01-11T00:00:00Z"))
    versions = [record["model_version"] for record in _lines(tmp_path / "logs")]
    assert versions == ["1"] * before + ["2"] * (server.served - before)


def test_records_are_in_order_of_time(january: pa.Table, model: Model, tmp_path: Path) -> None:
    """A reader of the log sees event time rise."""
    _served(january, model, tmp_path, "2013-01-08T00:00:00Z", "2013-02-04T00:00:00Z")
    times = [record["timestamp"] for record in _lines(tmp_path / "logs")]
    assert times == sorted(times)


@pytest.mark.parametrize("text", ['say "no"', "back\\slash", "line\nbreak", "ünï", "\x00"])
def test_any_text_is_written_as_json(text: str) -> None:
    """Whatever stands in a text, the line can be read back."""
    written = json_objects({"a": pa.array([text]), "b": pa.array([1.5])})[0].as_py()
    assert json.loads(written) == {"a": text, "b": 1.5}
