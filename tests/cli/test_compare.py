from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Answer
from tests.contracts import schemas

Driftline = Callable[..., Answer]


def rows(number: int = 2_000, seed: int = 1, shift: float = 0.0) -> dict[str, Any]:
    """Return columns of independent rows; ``shift`` moves the temperature, in standard deviations."""
    rng = np.random.default_rng(seed)
    return {
        "temp": rng.normal(shift, 1.0, number),
        "wind": rng.gamma(2.0, 3.0, number),
        "carrier": rng.choice(["UA", "AA", "DL"], number).tolist(),
    }


def written(path: Path, columns: dict[str, Any]) -> Path:
    """Write columns as a Parquet file."""
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Return a file of 2,000 rows."""
    return written(tmp_path / "reference.parquet", rows())


def compared(driftline: Driftline, *arguments: object, code: int) -> dict[str, Any]:
    """Return the object that a comparison prints, which keeps the contract, and check the exit code."""
    done = driftline("compare", *arguments, "--format", "json")
    assert schemas.faults(schemas.COMPARISON, done.out) == []
    assert done.code == code
    return done.body


def test_files_alike_are_stable(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """Two files of one distribution are stable: exit code 0."""
    body = compared(driftline, reference, written(tmp_path / "now.parquet", rows(seed=2)), code=0)
    assert (body["verdict"], body["columns_judged"], body["columns_drifted"]) == ("stable", 3, 0)


def test_a_shift_is_drift(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """A file whose temperature moved is drifted, by that column alone: exit code 1."""
    body = compared(driftline, reference, written(tmp_path / "now.parquet", rows(seed=2, shift=0.5)), code=1)
    first = body["columns"][0]
    assert (first["name"], first["verdict"], first["why"]) == ("temp", "drifted", "distance_over_threshold")
    assert (first["share_of_drift"], first["began_at"]) == (1.0, None)
    assert first["effect"]["value"] == pytest.approx(0.5, abs=0.1)
    assert [column["name"] for column in body["columns"][1:]] == ["carrier", "wind"]


def test_a_file_is_known_by_its_bytes(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """Each file has its path as given, its rows, and the begin of what sha256sum says of it."""
    body = compared(driftline, reference, reference, code=0)
    digest = hashlib.sha256(reference.read_bytes()).hexdigest()
    assert body["reference"] == {"path": str(reference), "rows": 2_000, "id": f"sha256:{digest[:12]}"}
    assert body["reference"] == body["current"]


def test_the_format_of_a_file_is_no_drift(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """The same rows as CSV, as JSON lines in the native format, and as Parquet are stable, whatever their layout."""
    table = pq.read_table(reference)
    pcsv.write_csv(table, tmp_path / "now.csv")
    lines = [{"timestamp": "2013-07-01T00:00:00Z", "inputs": row} for row in table.to_pylist()]
    (tmp_path / "now.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("now.csv", "now.jsonl"):
        body = compared(driftline, reference, tmp_path / name, code=0)
        assert (body["columns_judged"], body["columns_missing"], body["columns_extra"]) == (3, [], [])
        assert {column["distance"] for column in body["columns"]} == {0.0}


def test_columns_of_one_file_only_are_named(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """What stands in one file only is named, on the side where it stands, and not judged."""
    now = rows(seed=2)
    now["gust"] = now.pop("wind")
    body = compared(driftline, reference, written(tmp_path / "now.parquet", now), code=0)
    assert (body["columns_missing"], body["columns_extra"], body["columns_judged"]) == (["wind"], ["gust"], 2)


def test_no_common_column_is_no_answer(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """Two files without a common column have no answer: exit code 4, and a sentence that says so."""
    other = written(tmp_path / "now.parquet", {"x": np.arange(50.0) ** 0.5})
    assert compared(driftline, reference, other, code=4)["verdict"] == "insufficient_data"
    assert "no column in common" in driftline("compare", reference, other).out


def test_too_few_rows_are_no_answer(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """With four rows nothing can be told, and this is neither stable nor drifted."""
    body = compared(driftline, reference, written(tmp_path / "now.parquet", rows(4)), code=4)
    assert {column["why"] for column in body["columns"]} == {"too_few_rows"}
    assert (body["columns_judged"], body["verdict"]) == (0, "insufficient_data")


def test_ten_rows_can_tell_what_is_plain(driftline: Driftline, tmp_path: Path) -> None:
    """A reference of ten rows is enough for a change that no chance explains, and for no other."""
    few = written(tmp_path / "few.parquet", rows(10))
    assert compared(driftline, few, written(tmp_path / "far.parquet", rows(seed=2, shift=9)), code=1)
    assert compared(driftline, few, written(tmp_path / "near.parquet", rows(seed=2)), code=0)


def test_a_column_that_went_missing_is_drift(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """A column of nothing but missing values drifted, and the reason says that they are missing."""
    now = rows(seed=2) | {"temp": pa.nulls(2_000, pa.float64())}
    column = compared(driftline, reference, written(tmp_path / "now.parquet", now), code=1)["columns"][0]
    assert (column["name"], column["why"], column["method"]) == ("temp", "missing_over_threshold", "chi_squared")
    assert (column["effect"]["value"], column["effect"]["unit"]) == (1.0, "ratio")
    assert (column["current"]["missing_ratio"], column["current"]["mean"]) == (1.0, None)


def test_what_was_always_missing_is_not_judged(driftline: Driftline, tmp_path: Path) -> None:
    """A column without a value on either side is not judged; the others are."""
    empty = {"gone": pa.nulls(2_000, pa.float64())}
    old, new = (written(tmp_path / f"{seed}.parquet", rows(seed=seed) | empty) for seed in (1, 2))
    body = compared(driftline, old, new, code=0)
    assert {column["name"]: column["why"] for column in body["columns"]}["gone"] == "no_values"
    assert body["columns_judged"] == 3


def test_a_constant_is_stable_until_it_changes(driftline: Driftline, tmp_path: Path) -> None:
    """A column of one value is stable as long as it has that value, and drifted when it has another."""
    old, same, other = (
        written(tmp_path / f"{name}.parquet", {"c": [value] * 100}) for name, value in (("a", 3), ("b", 3), ("c", 4))
    )
    assert compared(driftline, old, same, code=0)["columns"][0]["kind"] == "constant"
    assert compared(driftline, old, other, code=1)["columns"][0]["current"]["unseen_ratio"] == 1.0


def test_another_type_is_drift_and_no_crash(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """Texts where numbers were are values that cannot be read: the column drifted by what is missing."""
    now = rows(seed=2) | {"temp": ["warm"] * 2_000}
    column = compared(driftline, reference, written(tmp_path / "now.parquet", now), code=1)["columns"][0]
    assert (column["name"], column["why"]) == ("temp", "missing_over_threshold")


def test_identifiers_are_not_compared(driftline: Driftline, tmp_path: Path) -> None:
    """Ids, instants and lists are named as not compared: other values are their nature."""
    both = {"row": list(range(2_000)), "at": pa.array(range(2_000), pa.timestamp("s")), "v": [[1.0]] * 2_000}
    file = written(tmp_path / "a.parquet", rows() | both)
    body = compared(driftline, file, file, code=0)
    assert {each["name"] for each in body["columns"] if each["why"] == "kind_not_compared"} == {"row", "at", "v"}


def test_roles_are_told(driftline: Driftline, tmp_path: Path) -> None:
    """Prediction, score and target are compared in their roles; columns of the native format are no features."""
    given = rows(100) | {
        "timestamp": ["2013-07-01T00:00:00Z"] * 100,
        "request_id": [f"r{number}" for number in range(100)],
        "model_version": ["1"] * 100,
        "latency_ms": np.linspace(1, 2, 100),
        "prediction": [0, 1] * 50,
        "score": np.linspace(0, 1, 100),
        "target": [0, 1] * 50,
    }
    file = written(tmp_path / "a.parquet", given)
    roles = {each["name"]: each["role"] for each in compared(driftline, file, file, code=0)["columns"]}
    features = dict.fromkeys(["carrier", "temp", "wind"], "feature")
    assert roles == features | {"prediction": "prediction", "score": "score", "target": "target"}


def test_the_output_says_what_it_takes_for_granted(driftline: Driftline, reference: Path) -> None:
    """Table and page say that rows are taken as exchangeable; with JSON stderr says it, and stdout is JSON alone."""
    said = "rows are taken as exchangeable"
    assert said in driftline("compare", reference, reference).out
    assert said in driftline("compare", reference, reference, "--format", "html").out
    assert said in driftline("compare", reference, reference, "--format", "json").err


def test_the_page_is_one_file_without_script(driftline: Driftline, tmp_path: Path) -> None:
    """The page shows every column, loads nothing, runs nothing, and shows names as text."""
    file = written(tmp_path / "a.parquet", rows() | {"<script>alert(1)</script>": np.linspace(0, 1, 2_000)})
    out = driftline("compare", file, file, "--format", "html").out
    assert not re.search(r"<script|<link|src=|https?://|onload", out)
    assert "&lt;script&gt;alert(1)" in out


def test_a_name_cannot_command_the_terminal(driftline: Driftline, tmp_path: Path) -> None:
    """Control characters in a column's name are shown, and not obeyed."""
    file = written(tmp_path / "a.parquet", {"a\x1b[2Jb": np.linspace(0, 1, 100)})
    out = driftline("compare", file, file).out
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_alpha_is_the_price(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """A smaller alpha needs a larger distance."""
    now = written(tmp_path / "now.parquet", rows(seed=2))
    loose, strict = (compared(driftline, reference, now, "--alpha", alpha, code=0) for alpha in (0.05, 0.0001))
    pairs = zip(loose["columns"], strict["columns"], strict=True)
    assert all(a["threshold"] < b["threshold"] for a, b in pairs if a["kind"] == "numeric")


def test_a_config_says_what_matters(driftline: Driftline, config: Path, tmp_path: Path) -> None:
    """With a config its columns, task and tolerances are taken: a tolerated change is none."""
    old, new = (
        written(
            tmp_path / f"{seed}.parquet",
            {f"inputs.{name}": values for name, values in rows(seed=seed, shift=shift).items()},
        )
        for seed, shift in ((1, 0.0), (2, 0.4))
    )
    assert compared(driftline, old, new, "-c", config, code=1)["columns"][0]["name"] == "temp"
    config.write_text(config.read_text().replace("importance: 3", "tolerance: 2"))
    assert compared(driftline, old, new, "-c", config, code=0)["columns_judged"] == 3


def test_one_of_several_models_is_named(driftline: Driftline, config: Path, reference: Path) -> None:
    """Where the config has several models, `--model` says whose columns are meant."""
    text = config.read_text()
    model = text[text.index("  - name: flights") : text.index("receivers:")]
    config.write_text(text.replace("receivers:", model.replace("flights\n", "trains\n") + "receivers:"))
    done = driftline("compare", reference, reference, "-c", config)
    assert (done.code, "error[E115] --config: has 2 models" in done.err) == (2, True)
    done = driftline("compare", reference, reference, "-c", config, "--model", "planes")
    assert (done.code, "error[E114] --model" in done.err) == (2, True)
    assert driftline("compare", reference, reference, "-c", config, "--model", "trains").code == 0


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (None, "nowhere.parquet", "error[E164] CURRENT"),
        (b"not parquet", "now.parquet", "error[E161] CURRENT"),
        (b"\x80\x04K\x01.", "now.pkl", "error[E162] CURRENT"),
        (b"temp,wind\n", "now.csv", "error[E163] CURRENT"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault(
    driftline: Driftline, reference: Path, tmp_path: Path, content: bytes | None, name: str, told: str
) -> None:
    """A file that is missing, damaged, a pickle or empty is a fault that names which one: exit code 2."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = driftline("compare", reference, tmp_path / name)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


@pytest.mark.parametrize("alpha", ["0", "1", "-0.1", "nan"])
def test_alpha_is_a_chance(driftline: Driftline, reference: Path, alpha: str) -> None:
    """An alpha that is no chance between 0 and 1 is a fault: exit code 2."""
    done = driftline("compare", reference, reference, "--alpha", alpha)
    assert (done.code, "error[E103] --alpha" in done.err) == (2, True)
