from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import kstwobign

from monitor.config import load_config
from monitor.pipeline.cycle import Pipeline
from monitor.plans import model_plans
from monitor.store.database import open_state
from tests.cli.conftest import ROWS, Answer, reference_table
from tests.contracts import schemas
from tests.contracts.schemas_daemon import CHECK

Driftline = Callable[..., Answer]


def changed(config: Path, old: str, new: str) -> Path:
    """Return the config with a part of its text replaced."""
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return config


def body_of(driftline: Driftline, config: Path, code: int = 0) -> dict[str, Any]:
    """Return what ``check`` prints as JSON, which keeps the contract, and check the exit code."""
    done = driftline("check", "-c", config, "--format", "json")
    assert schemas.faults(CHECK, done.out) == []
    assert done.code == code
    assert done.err == ""
    return done.body


def codes(faults: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return code and path of each fault."""
    return [(fault["code"], fault["path"]) for fault in faults]


def test_a_good_config_is_valid(driftline: Driftline, config: Path) -> None:
    """A config whose files are there is valid, and its plan keeps the contract."""
    body = body_of(driftline, config)
    assert (body["valid"], body["faults"]) == (True, [])
    assert codes(body["warnings"]) == [("W130", "models[flights].records.path")]


def test_the_plan_shows_the_reference(driftline: Driftline, config: Path) -> None:
    """The plan says how many rows the reference has, from when to when, and its daily season."""
    reference = body_of(driftline, config)["models"][0]["reference"]
    assert (reference["rows"], reference["main_period_seconds"], reference["cycles"]) == (ROWS, 86_400.0, 21.0)
    assert reference["from"] < reference["to"]


def test_the_plan_shows_every_column(driftline: Driftline, config: Path) -> None:
    """Features come under their names, with their place in the log, then prediction and score."""
    columns = body_of(driftline, config)["models"][0]["columns"]
    assert [(column["name"], column["source"], column["role"]) for column in columns] == [
        ("temp", "inputs.temp", "feature"),
        ("wind", "inputs.wind", "feature"),
        ("carrier", "inputs.carrier", "feature"),
        ("prediction", "prediction", "prediction"),
        ("score", "score", "score"),
    ]


def test_importance_sums_to_one(driftline: Driftline, config: Path) -> None:
    """Importance is shared out over watched columns: half to all alike, half as the config says."""
    columns = body_of(driftline, config)["models"][0]["columns"]
    shares = [column["importance"] for column in columns if column["watched"]]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(0.5 + 0.5 / 5)


def test_an_address_is_shown_without_its_secret(driftline: Driftline, config: Path) -> None:
    """A receiver is shown by scheme, host and port, never by the path, which may be a secret."""
    done = driftline("check", "-c", config, "--format", "json")
    assert done.body["receivers"] == [
        {"name": "job", "kind": "webhook", "valid": True, "address": "http://127.0.0.1:9/...", "why": None}
    ]
    assert "s3cret" not in done.out + driftline("check", "-c", config).out


def test_a_config_that_does_not_hold_is_shown_too(driftline: Driftline, config: Path) -> None:
    """With faults in the config the object is printed all the same, without models, and the code is 2."""
    body = body_of(driftline, changed(config, "task: binary", "tusk: binary"), 2)
    assert (body["valid"], body["models"], body["series"]) == (False, [], None)
    assert body["faults"][0] == {
        "code": "E101",
        "file": str(config),
        "line": 3,
        "column": 5,
        "path": "models[flights].tusk",
        "message": body["faults"][0]["message"],
        "help": 'did you mean "task"?',
    }


def test_a_file_that_is_not_there_is_shown_too(driftline: Driftline, tmp_path: Path) -> None:
    """Without a config file the object says so, and the code is 2."""
    assert codes(body_of(driftline, tmp_path / "nowhere.yaml", 2)["faults"]) == [("E100", "config")]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("reference.parquet", None, "E164"),
        ("reference.parquet", b"PAR1 no", "E161"),
        ("reference.pkl", b"\x80\x04.", "E162"),
        ("reference.csv", b"timestamp,a\n", "E163"),
    ],
)
def test_a_reference_that_cannot_be_read_is_a_fault(
    driftline: Driftline, config: Path, reference: Path, name: str, content: bytes | None, code: str
) -> None:
    """A reference that is missing, broken, pickled or empty is blamed at its path in the config."""
    path = config.parent / name
    if content is not None:
        path.write_bytes(content)
    body = body_of(driftline, changed(config, str(reference), name), 2)
    assert codes(body["faults"]) == [(code, "models[flights].reference.path")]
    assert (body["models"][0]["reference"], body["models"][0]["columns"]) == (None, [])


def test_a_column_that_is_not_there_is_a_fault(driftline: Driftline, config: Path) -> None:
    """Settings of a column that the reference does not have are blamed where they stand."""
    body = body_of(driftline, changed(config, "{temp: {importance: 3}}", "{tmp: {importance: 3}}"), 2)
    assert codes(body["faults"]) == [("E166", "models[flights].drift.columns.tmp")]


@pytest.mark.parametrize(
    ("task", "role"),
    [("regression", "prediction"), ("binary", "score")],
)
def test_an_answer_that_is_no_number_is_a_fault(driftline: Driftline, config: Path, task: str, role: str) -> None:
    """Text where the task asks for numbers is blamed at its column, before anything is read by it."""
    named = changed(config, "task: binary", f"task: {task}\n    columns: {{{role}: inputs.carrier}}")
    body = body_of(driftline, named, 2)
    assert codes(body["faults"]) == [("E103", f"models[flights].columns.{role}")]


def test_a_method_that_is_not_for_a_column_is_a_fault(driftline: Driftline, config: Path) -> None:
    """A method of numbers named for a category is blamed where it stands."""
    named = changed(config, "{temp: {importance: 3}}", "{carrier: {method: wasserstein}}")
    assert codes(body_of(driftline, named, 2)["faults"]) == [("E103", "models[flights].drift.columns.carrier")]


def test_a_category_that_goes_round_is_a_fault(driftline: Driftline, config: Path) -> None:
    """Only numbers lie on a circle."""
    named = changed(config, "{temp: {importance: 3}}", "{carrier: {circular: 24}}")
    assert codes(body_of(driftline, named, 2)["faults"]) == [("E103", "models[flights].drift.columns.carrier")]


def test_a_column_under_a_fixed_rule_is_marked(driftline: Driftline, config: Path) -> None:
    """Its threshold is the rule's, it has no weight and no floor, and the rest of the plan stays."""
    ruled = changed(config, "{temp: {importance: 3}}", "{temp: {method: kolmogorov_smirnov, p_value: 0.01}}")
    model = body_of(driftline, ruled)["models"][0]
    temp = model["columns"][0]
    assert (temp["watched"], temp["why"], temp["importance"], temp["findable"]) == (True, "fixed_rule", 0.0, None)
    assert temp["threshold"] == pytest.approx(kstwobign.isf(0.01) / np.sqrt(model["window"]["min_rows"]), rel=0.05)
    assert sum(column["importance"] for column in model["columns"]) == pytest.approx(1)
    assert model["calibrated"]
    assert "fixed rule: outside the promise" in driftline("check", "-c", ruled).out


def test_rules_alone_promise_nothing(driftline: Driftline, config: Path) -> None:
    """Where every column has its rule, the plan says that nothing is promised, and why."""
    numbers = ("temp", "wind", "score")
    rules = ", ".join(f"{name}: {{method: energy, threshold: 1}}" for name in numbers)
    rules += ", " + ", ".join(f"{name}: {{method: hellinger, threshold: 1}}" for name in ("carrier", "prediction"))
    model = body_of(driftline, changed(config, "{temp: {importance: 3}}", f"{{{rules}}}"))["models"][0]
    assert (model["calibrated"], model["calibration_why"]) == (False, "fixed_rules")
    assert {column["why"] for column in model["columns"]} == {"fixed_rule"}


def test_a_rule_for_what_is_not_compared_is_a_fault(
    driftline: Driftline, config: Path, reference: Path, tmp_path: Path
) -> None:
    """A column of which only missing values are counted can break no rule."""
    table, named = pq.read_table(reference), tmp_path / "sessions.parquet"
    ids = pa.array([f"{number:032x}" for number in range(table.num_rows)])
    pq.write_table(table.append_column("inputs.session", ids), named)
    changed(config, str(reference), str(named))
    named = changed(config, "{temp: {importance: 3}}", "{session: {method: hellinger, threshold: 0.5}}")
    assert codes(body_of(driftline, named, 2)["faults"]) == [("E103", "models[flights].drift.columns.session")]


def test_a_feature_that_is_not_there_is_a_fault(driftline: Driftline, config: Path) -> None:
    """A feature that the config lists and the reference lacks is a fault with the nearest name."""
    listed = changed(config, "    task: binary", "    columns: {features: [tempp, wind]}")
    (fault,) = body_of(driftline, listed, 2)["faults"]
    assert (fault["code"], fault["path"]) == ("E166", "models[flights].columns")
    assert "temp" in fault["help"]


def test_references_by_version_may_come_later(driftline: Driftline, config: Path, reference: Path) -> None:
    """Where each version has its own reference and none is there yet, that is a warning."""
    body = body_of(driftline, changed(config, str(reference), "'references/{version}.parquet'"))
    assert ("W131", "models[flights].reference.path") in codes(body["warnings"])
    assert body["models"][0]["calibration_why"] == "no_reference"


def test_a_reference_may_be_made_of_the_log(driftline: Driftline, config: Path, reference: Path) -> None:
    """Without a file the config is valid, no column is known yet, and it is said what will become the reference."""
    made = changed(config, f"{{path: {reference}}}", "{rows: 5000}")
    body = body_of(driftline, made)
    (model,) = body["models"]
    assert codes(body["warnings"]) == [("W130", "models[flights].records.path")]
    assert (model["reference"], model["columns"], model["calibration_why"]) == (None, [], "gathering_reference")
    asked = {"version": None, "rows": 5000, "kind": "rows", "renew_seconds": None, "length_seconds": None}
    assert model["made_references"] == [asked]
    assert "reference of each version: its first 5000 rows" in driftline("check", "-c", made).out.replace("\n", " ")


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("{rolling: 7d}", "its last 1w, at most 99960 rows, made anew every 1w while no alert speaks against it"),
        ("{season: 1d}", "its last 8d, at most 99840 rows, made anew every 1d while no alert speaks against it"),
    ],
)
def test_a_reference_may_follow_the_log(
    driftline: Driftline, config: Path, reference: Path, asked: str, line: str
) -> None:
    """It is said of how much of the log it is made, how often anew, and that slower changes are learnt."""
    made = changed(config, f"{{path: {reference}}}", asked)
    (model,) = body_of(driftline, made)["models"]
    assert model["made_references"][0]["kind"] in asked
    assert model["calibration_why"] == "gathering_reference"
    told = " ".join(driftline("check", "-c", made).out.split())
    assert line in told
    assert "slower than that is learnt" in told


def test_a_reference_that_a_daemon_made_is_shown(driftline: Driftline, config: Path, reference: Path) -> None:
    """Once there are enough rows the plan is that of the reference in the state, and names no file."""
    made = changed(changed(config, f"{{path: {reference}}}", "{rows: 900}"), "*.jsonl", "*.parquet")
    pq.write_table(reference_table(2000), config.parent / "logs" / "a.parquet")
    loaded = load_config(made, {})
    (plan,) = model_plans(loaded.config, loaded.root)
    with closing(open_state(loaded.config.state, loaded.root)) as state, closing(Pipeline(plan, state)) as pipeline:
        list(pipeline.step(0))
    (model,) = body_of(driftline, made)["models"]
    assert (model["reference"]["rows"], model["reference"]["path"]) == (900, None)
    assert [column["name"] for column in model["columns"]][:2] == ["temp", "wind"]


@pytest.mark.parametrize(
    ("values", "told"), [(pa.nulls(ROWS, pa.float64()), "wind: no value"), (pa.repeat(1.0, ROWS), "wind: one value")]
)
def test_a_column_without_spread_is_told_of(
    driftline: Driftline, config: Path, reference: Path, values: pa.Array, told: str
) -> None:
    """A column of which the reference shows one value or none is named, for programs and for people."""
    path = config.parent / "bare.parquet"
    table = pq.read_table(reference)
    pq.write_table(table.set_column(table.column_names.index("inputs.wind"), "inputs.wind", values), path)
    named = changed(config, str(reference), str(path))
    (line,) = [each for each in body_of(driftline, named)["models"][0]["reference"]["advice"] if told in each]
    assert line in " ".join(driftline("check", "-c", named).out.split())


def test_references_are_named_by_version(driftline: Driftline, config: Path, reference: Path) -> None:
    """In a map a reference that does not lie there is a warning, one that is broken a fault, each at its version."""
    (config.parent / "broken.parquet").write_bytes(b"PAR1 no")
    by_version = f"{{1: {{path: {reference}}}, '2': {{path: later.parquet}}, v3: {{path: broken.parquet}}}}"
    body = body_of(driftline, changed(config, f"{{path: {reference}}}", by_version), 2)
    assert ("W131", "models[flights].reference.2.path") in codes(body["warnings"])
    assert codes(body["faults"]) == [("E161", "models[flights].reference.v3.path")]
    assert body["models"][0]["reference"]["path"] == str(reference)


def test_every_version_is_told_of(driftline: Driftline, config: Path, reference: Path) -> None:
    """The plan is that of the last version; of each other its reference, fitness and promise stand beside it."""
    pq.write_table(pq.read_table(reference).slice(0, 10), config.parent / "short.parquet")
    by_version = f"{{1: {{path: short.parquet}}, 2: {{path: {reference}}}}}"
    named = changed(config, f"{{path: {reference}}}", by_version)
    (model,) = body_of(driftline, named)["models"]
    assert (model["reference"]["path"], model["calibrated"]) == (str(reference), True)
    told = [(each["version"], each["path"], each["calibration_why"]) for each in model["earlier_references"]]
    assert told == [("1", "short.parquet", "too_few_blocks")]
    assert "version 1: not calibrated (too_few_blocks)" in driftline("check", "-c", named).out


def test_a_column_that_no_version_has_is_told_once(driftline: Driftline, config: Path, reference: Path) -> None:
    """Settings of a column are held to the reference of every version; one fault is said once."""
    by_version = f"{{1: {{path: {reference}}}, 2: {{path: {reference}}}}}"
    named = changed(config, f"{{path: {reference}}}", by_version)
    body = body_of(driftline, changed(named, "{temp: {importance: 3}}", "{tmp: {importance: 3}}"), 2)
    assert codes(body["faults"]) == [("E166", "models[flights].drift.columns.tmp")]


@pytest.mark.parametrize(
    ("quality", "code", "path"),
    [
        ("{columns: {tmp: {checks: off}}}", "E166", "quality.columns.tmp"),
        ("{columns: {carrier: {range: [0, 1]}}}", "E103", "quality.columns.carrier"),
        ("{columns: {temp: {length: [0, 1]}}}", "E103", "quality.columns.temp"),
        ('{pairs: [[temp, "<=", carrier]]}', "E166", "quality.pairs[0][2]"),
    ],
)
def test_what_cannot_be_expected_is_a_fault(
    driftline: Driftline, config: Path, quality: str, code: str, path: str
) -> None:
    """An expectation of a column that is not there, or is of no such kind, is blamed where it stands."""
    named = changed(config, "    drift:", f"    quality: {quality}\n    drift:")
    assert codes(body_of(driftline, named, 2)["faults"]) == [(code, f"models[flights].{path}")]


def test_what_is_expected_of_the_data_is_shown(driftline: Driftline, config: Path) -> None:
    """Each expectation has its bounds for a window of the least rows, and the table says them in words."""
    quality = body_of(driftline, config, 0)["models"][0]["quality"]
    found = {each["check"] for each in quality["expectations"] if each["column"] == "temp"}
    assert {"schema", "type", "missing", "non_finite", "range"} <= found
    assert quality["false_alarms_per_30d"] == 0.125
    assert all(0 <= each["lower"] <= each["upper"] for each in quality["expectations"])
    assert "at most 0.125 false alarms in 30 days promised" in driftline("check", "-c", config).out


def test_a_receiver_at_a_refused_address_is_a_fault(driftline: Driftline, config: Path) -> None:
    """A receiver whose address may never be called is a fault, with the address and without the path."""
    refused = changed(config, "http://127.0.0.1:9/", "http://0.0.0.0:9/")
    (fault,) = body_of(driftline, refused, 2)["faults"]
    assert (fault["code"], fault["path"]) == ("E121", "receivers[job].url")
    assert "unspecified" in fault["message"]
    assert "s3cret" not in fault["message"]


def test_a_receiver_that_strict_egress_refuses_is_a_fault(driftline: Driftline, config: Path) -> None:
    """Under strict egress a receiver on loopback is refused, and the way out is named."""
    strict = changed(config, "models:", "server: {egress: strict}\nmodels:")
    (fault,) = body_of(driftline, strict, 2)["faults"]
    assert (fault["code"], fault["help"]) == ("E121", "add its network to server.allow_networks")


def test_the_table_says_the_same(driftline: Driftline, config: Path) -> None:
    """For people the plan is tables and lines on stdout, and warnings on stderr."""
    done = driftline("check", "-c", config)
    assert done.code == 0
    assert [
        word
        for word in ("temp", "jensen_shannon", "http://127.0.0.1:9/...", "the config holds")
        if word not in done.out
    ] == []
    assert "warning[W130]" in done.err


def test_nothing_is_written(driftline: Driftline, config: Path) -> None:
    """A check leaves no file and no folder behind."""
    before = sorted(config.parent.rglob("*"))
    driftline("check", "-c", config)
    assert sorted(config.parent.rglob("*")) == before


def test_the_same_config_gives_the_same_bytes(driftline: Driftline, config: Path) -> None:
    """Two checks of one config print the same bytes."""
    assert driftline("check", "-c", config, "--format", "json") == driftline("check", "-c", config, "--format", "json")


def test_the_plan_says_what_can_be_found(driftline: Driftline, config: Path) -> None:
    """Every watched column has a floor above its tolerance, and a larger effect never takes longer."""
    for column in body_of(driftline, config)["models"][0]["columns"]:
        found = column["findable"]
        assert found["floor"] > column["minimum_effect"] * (1 if found["unit"] == "sd" else 0.1)
        steps = [each["steps"] for each in found["steps"] if each["steps"] is not None]
        assert steps == sorted(steps, reverse=True)


def test_joint_scores_that_cannot_be_had_are_told(driftline: Driftline, config: Path) -> None:
    """Room for one column alone watches nothing jointly, which is a warning and no silence."""
    changed(config, "drift: {", "drift: {joint: {columns: 1}, ")
    assert ("W133", "models[flights].drift.joint.columns") in codes(body_of(driftline, config)["warnings"])
