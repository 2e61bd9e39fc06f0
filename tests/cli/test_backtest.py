from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer
from tests.contracts import schemas
from tests.replaying import write_log

Driftline = Callable[..., Answer]
DRIFT_DAY = 2


@pytest.fixture
def logged(config: Path) -> Path:
    """Return a config whose log drifts from its third day on."""
    write_log(config.parent / "logs" / "a.jsonl", 4, shift_from=DRIFT_DAY)
    return config


@pytest.fixture
def calm(config: Path) -> Path:
    """Return a config whose log does not drift."""
    write_log(config.parent / "logs" / "a.jsonl", 1.5, seed=8)
    return config


def lines(done: Answer) -> list[dict[str, Any]]:
    """Return the objects on stdout."""
    return [json.loads(line) for line in done.out.splitlines()]


def test_jsonl_keeps_the_contract(driftline: Driftline, logged: Path) -> None:
    """Every line is an object of the contract, the last and only the last a summary; nothing else is on stdout."""
    done = driftline("backtest", "-c", logged, "--format", "jsonl")
    found = lines(done)
    assert {fault for line in found for fault in schemas.faults(schemas.BACKTEST[line["kind"]], line)} == set()
    assert [line["kind"] for line in found].count("summary") == 1
    assert found[-1]["kind"] == "summary"
    assert (done.code, done.err) == (0, "")


def test_jsonl_is_the_same_again(driftline: Driftline, logged: Path) -> None:
    """Two backtests of one log give the same bytes, but for the time they took."""
    first, second = (driftline("backtest", "-c", logged, "--format", "jsonl").out for _ in range(2))
    taken = re.compile(r'"elapsed_seconds": [0-9.e-]+')
    assert taken.sub("", first) == taken.sub("", second)


@pytest.mark.parametrize(("format", "flag", "code"), [("table", True, 1), ("jsonl", True, 1), ("jsonl", False, 0)])
def test_an_alert_fails_only_where_asked(
    driftline: Driftline, logged: Path, format: str, flag: bool, code: int
) -> None:
    """With `--fail-on-alert` an alert gives exit code 1, whatever the format; without it 0."""
    options = ["--fail-on-alert"] if flag else []
    assert driftline("backtest", "-c", logged, "--format", format, *options).code == code


def test_no_alert_is_no_failure(driftline: Driftline, calm: Path) -> None:
    """Without an alert the exit code is 0 with `--fail-on-alert` too, and the table says so."""
    done = driftline("backtest", "-c", calm, "--fail-on-alert")
    assert done.code == 0
    assert "no alert would have fired" in done.out
    assert "answer: no drift" in done.out


def test_the_table_tells_what_matters(driftline: Driftline, logged: Path) -> None:
    """People are told when an alert would have fired and why, what was promised, and how long it took."""
    out = driftline("backtest", "-c", logged).out
    assert re.search(r"2013-01-24 \d\d:05 .* drift .*temp.*population change: temp mean", out)
    assert re.search(r"records: 3840 accepted, 0 refused, 0 too late", out)
    assert "at most 1 in 30 days promised" in out
    assert re.search(r"replayed in \S+ s", out)


def test_nothing_is_kept(driftline: Driftline, calm: Path) -> None:
    """A backtest writes nothing beside the config."""
    before = sorted(calm.parent.rglob("*"))
    driftline("backtest", "-c", calm)
    assert sorted(calm.parent.rglob("*")) == before


def test_the_page_is_one_file_without_script(driftline: Driftline, logged: Path) -> None:
    """The page shows chart and alerts, loads nothing and runs nothing."""
    out = driftline("backtest", "-c", logged, "--format", "html").out
    assert "<svg" in out
    assert "temp mean" in out
    assert not re.search(r"<script|<link|src=|https?://|onload", out)
    assert "default-src 'none'" in out


def test_a_page_escapes_what_the_data_says(driftline: Driftline, logged: Path) -> None:
    """A name in the config or the log is text on the page, never markup."""
    evil = logged.with_name("<b>evil.yaml")
    evil.write_text(logged.read_text())
    out = driftline("backtest", "-c", evil, "--format", "html").out
    assert "<b>evil" not in out
    assert "&lt;b&gt;evil" in out


def test_what_is_told_can_be_bounded(driftline: Driftline, calm: Path) -> None:
    """`--from` and `--to` bound the windows that are told."""
    done = driftline(
        "backtest", "-c", calm, "--format", "jsonl", "--from", "2013-01-22T03:00Z", "--to", "2013-01-22T05:00Z"
    )
    assert [line["start"] for line in lines(done)[:-1]] == ["2013-01-22T03:00:00Z", "2013-01-22T04:00:00Z"]


def test_a_log_that_is_not_there_is_told(driftline: Driftline, config: Path) -> None:
    """Without a file to replay there is a warning on stderr, and a summary alone on stdout."""
    done = driftline("backtest", "-c", config, "--format", "jsonl", "--fail-on-alert")
    assert [line["kind"] for line in lines(done)] == ["summary"]
    assert "warning[W130] models[flights].records: matches no file" in done.err
    assert done.code == 0


def test_two_configs_are_told_side_by_side(driftline: Driftline, calm: Path) -> None:
    """With `--against` the figures of both configs stand beside each other, in table and page."""
    other = calm.with_name("other.yaml")
    other.write_text(calm.read_text().replace("min_rows: 20", "min_rows: 100000"))
    out = driftline("backtest", "-c", calm, "--against", other).out
    assert re.search(r"windows with too little data +0 +36", out)
    page = driftline("backtest", "-c", calm, "--against", other, "--format", "html").out
    assert re.search(r"windows with too little data</th><td>0</td><td>36</td>", page)


def test_a_stream_is_of_one_config(driftline: Driftline, calm: Path) -> None:
    """`--against` with lines for programs is a fault: a stream has one summary."""
    done = driftline("backtest", "-c", calm, "--against", calm, "--format", "jsonl")
    assert (done.code, done.out) == (2, "")
    assert "error[E115] --against: a stream of lines has one summary" in done.err


def test_injected_drift_is_told(driftline: Driftline, calm: Path) -> None:
    """With `--inject` the answer says after how long the drift was found; the other keys stay the contract's."""
    spec = "column=wind scale=3 from=2013-01-22T06:00Z"
    done = driftline("backtest", "-c", calm, "--format", "jsonl", "--inject", spec)
    body = lines(done)[-1]
    (found,) = body.pop("injected")
    assert schemas.faults(schemas.SUMMARY, body) == []
    assert (found["spec"], found["from"]) == (spec, "2013-01-22T06:00:00Z")
    assert found["delay_seconds"] > 0
    assert spec in driftline("backtest", "-c", calm, "--inject", spec).out


def test_several_models_are_told_in_one_order(driftline: Driftline, calm: Path) -> None:
    """The lines of two models are ordered by their instants, and the summary has both."""
    text = calm.read_text()
    model = text[text.index("  - name: flights") : text.index("receivers:")]
    calm.write_text(text.replace("receivers:", model.replace("flights\n", "trains\n") + "receivers:"))
    found = lines(driftline("backtest", "-c", calm, "--format", "jsonl"))
    assert [line["closed_at"] for line in found[:-1]] == sorted(line["closed_at"] for line in found[:-1])
    assert [model["model"] for model in found[-1]["models"]] == ["flights", "trains"]


def test_an_injection_names_its_model(driftline: Driftline, calm: Path) -> None:
    """In a config of several models an injection must say which one is meant."""
    text = calm.read_text()
    model = text[text.index("  - name: flights") : text.index("receivers:")]
    calm.write_text(text.replace("receivers:", model.replace("flights\n", "trains\n") + "receivers:"))
    done = driftline("backtest", "-c", calm, "--inject", "column=wind scale=3")
    assert (done.code, "add model=flights" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from", "yesterday"], "error[E102] --from: not an instant"),
        (["--from", "2013-02-01", "--to", "2013-01-01"], "error[E115] --from: not before --to"),
        (["--inject", "column=tmp scale=2"], 'error[E166] --inject: "column=tmp scale=2": the model has no column'),
        (["--inject", "column=temp"], "error[E102] --inject"),
        (["--inject", "column=temp scale=2 model=trains"], "error[E114] --inject"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_a_wrong_argument_is_a_fault(driftline: Driftline, calm: Path, options: list[str], told: str) -> None:
    """What is wrong with an argument is told before anything is replayed, with exit code 2."""
    done = driftline("backtest", "-c", calm, *options)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("reference: {path: ", "reference: {path: nowhere", "error[E164] models[flights].reference"),
        ("window:", "columns: {features: [tmp]}\n    window:", "error[E166] models[flights].columns"),
    ],
)
def test_a_reference_that_does_not_fit_is_a_fault(
    driftline: Driftline, calm: Path, old: str, new: str, told: str
) -> None:
    """A reference that cannot be read or lacks a column is a fault of the config, with its place."""
    calm.write_text(calm.read_text().replace(old, new))
    done = driftline("backtest", "-c", calm)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_broken_reference_of_a_map_is_blamed_at_its_version(driftline: Driftline, calm: Path) -> None:
    """Of several references, by version, each that cannot be used is a fault where the config names it."""
    (calm.parent / "broken.parquet").write_bytes(b"PAR1 no")
    text = calm.read_text()
    before = text[text.index("reference: {") : text.index("\n", text.index("reference: {"))]
    one = before.removeprefix("reference: ")
    calm.write_text(
        text.replace(before, f"reference: {{1: {one}, 2: {{path: broken.parquet}}, v3: {{path: broken.parquet}}}}")
    )
    done = driftline("backtest", "-c", calm)
    assert done.code == 2
    assert [f"error[E161] models[flights].reference.{version}.path" in done.err for version in ("2", "v3")] == [
        True
    ] * 2


def test_bad_lines_and_late_ones_are_counted(driftline: Driftline, calm: Path) -> None:
    """Lines that are no records, and records whose window is closed, are counted in the summary."""
    log = calm.parent / "logs" / "a.jsonl"
    first = log.read_text().splitlines()[0]
    log.write_text(log.read_text() + "{no json\n" + first + "\n")
    model = lines(driftline("backtest", "-c", calm, "--format", "jsonl"))[-1]["models"][0]
    assert (model["records"], model["records_rejected"], model["records_late"]) == (1440, {"json_syntax": 1}, 1)


def test_lines_are_out_before_the_end(logged: Path) -> None:
    """Who reads only the first line ends the backtest without a fault."""
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "backtest", "-c", str(logged), "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        process.stdout.close()
        assert first["kind"] == "window"
        assert process.wait(60) == 141
        assert process.stderr.read() == ""
