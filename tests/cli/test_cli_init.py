from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from monitor.cli.init import model_name
from monitor.config import Config, load_text
from tests.cli.conftest import Answer, reference_table

Driftline = Callable[..., Answer]


def config_of(text: str) -> Config:
    """Return the config that a text holds."""
    return load_text(text, Path("config.yaml"), {}).config


def test_the_proposal_holds(driftline: Driftline, reference: Path) -> None:
    """What is written to stdout is a config that holds, for this model."""
    model = config_of(driftline("init", reference).out).models[0]
    assert (model.name, model.task, model.columns.prediction) == ("flights", "binary", "prediction")


def test_every_default_is_shown_as_it_is(driftline: Driftline, reference: Path) -> None:
    """With every ``#`` before a default taken away the config means the same."""
    text = driftline("init", reference).out
    every_key = re.sub(
        r"^( *)# (?!targets|retrain)([a-z_]+: )", r"\1\2", text.partition("    # retrain")[0], flags=re.MULTILINE
    )
    assert every_key.count("#") < text.count("#") - 20
    assert config_of(every_key) == config_of(text)


def test_what_is_offered_holds_too(driftline: Driftline, reference: Path) -> None:
    """The lines about targets, retraining, receivers and routes hold once their ``#`` is taken away."""
    offered = r"^( *)# ?(?=(targets|retrain|receivers|routes|  - ))"
    text = re.sub(offered, r"\1", driftline("init", reference).out, flags=re.MULTILINE)
    text = text.replace("url_file: /run/secrets/url, secret_file: /run/secrets/signing", SECRET)
    text = text.replace('url: "http://127.0.0.1:9000/retrain", secret_file: /run/secrets/job', SECRET)
    config = config_of(text)
    assert [receiver.name for receiver in config.receivers] == ["team", "retrain-job"]
    assert config.models[0].retrain is not None


SECRET = 'url: "http://127.0.0.1:9/x", secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5'


def test_the_file_is_written_once(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """A file that is there already is never written over."""
    output = tmp_path / "config.yaml"
    assert driftline("init", reference, "-o", output).code == 0
    before = output.read_text()
    again = driftline("init", reference, "-o", output)
    assert (again.code, output.read_text()) == (2, before)
    assert "error[E118]" in again.err


def test_the_written_file_passes_the_check(driftline: Driftline, reference: Path, tmp_path: Path) -> None:
    """What init writes, check takes: the path of the reference leads from the config's folder."""
    output = tmp_path / "config.yaml"
    driftline("init", reference, "-o", output)
    assert driftline("check", "-c", output).code == 0


def test_other_names_are_recognised(driftline: Driftline, tmp_path: Path) -> None:
    """Columns under other common names are told by them, and CSV is read as Parquet is."""
    names = ["event_time", "id", "temp", "wind", "carrier", "y_pred", "proba"]
    pcsv.write_csv(reference_table(3000).rename_columns(names), tmp_path / "flat.csv")
    columns = config_of(driftline("init", tmp_path / "flat.csv").out).models[0].columns
    assert (columns.timestamp, columns.id, columns.prediction, columns.score) == ("event_time", "id", "y_pred", "proba")


def test_named_columns_are_taken(driftline: Driftline, tmp_path: Path) -> None:
    """What the operator names is not told from the file."""
    table = reference_table(3000).append_column("delayed", pa.array([0, 1, 1] * 1000))
    pq.write_table(table, tmp_path / "r.parquet")
    done = driftline("init", tmp_path / "r.parquet", "--target", "delayed", "--task", "regression", "--name", "delay")
    model = config_of(done.out).models[0]
    assert (model.columns.target, model.task, model.name) == ("delayed", "regression", "delay")


def test_a_column_that_is_not_there_is_a_fault(driftline: Driftline, reference: Path) -> None:
    """A column that is named and not there ends with 2 and the nearest name."""
    done = driftline("init", reference, "--prediction", "predicton")
    assert (done.code, done.out) == (2, "")
    assert 'error[E166] --prediction: no column of the reference is named "predicton"' in done.err
    assert 'did you mean "prediction"?' in done.err


@pytest.mark.parametrize("arguments", [["nowhere.parquet"], ["--name", "Bad Name"]])
def test_what_cannot_be_is_two(driftline: Driftline, reference: Path, arguments: list[str]) -> None:
    """A reference that is missing and a name that is none end with 2."""
    given = arguments if arguments[0] != "--name" else [str(reference), *arguments]
    assert driftline("init", *given).code == 2


@pytest.mark.parametrize(
    ("rows", "hours", "least"), [(300_000, 1, 300), (50_000, 6, 300), (20_000, 6, 119), (1_000, 6, 30)]
)
def test_a_window_holds_enough_rows(driftline: Driftline, tmp_path: Path, rows: int, hours: int, least: int) -> None:
    """The window is the shortest with enough rows; where none of fifty or more has them, fewer rows are asked for."""
    pq.write_table(reference_table(rows), tmp_path / "r.parquet")
    window = config_of(driftline("init", tmp_path / "r.parquet").out).models[0].window
    assert window.length == timedelta(hours=hours)
    assert window.min_rows == pytest.approx(least, rel=0.05)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1], "binary"),
        (["a", "b"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([1, 2, 3], "multiclass"),
        ([0.5, 1.5, 2.5], "regression"),
        (list(range(50)), "regression"),
        ([[1, 2], [3]], "ranking"),
    ],
)
def test_the_task_is_told_from_the_answers(
    driftline: Driftline, tmp_path: Path, values: list[object], task: str
) -> None:
    """Two values are binary, a few classes multiclass, numbers regression, lists a ranking."""
    table = pa.table({"x": list(range(len(values) * 60)), "prediction": values * 60})
    pq.write_table(table, tmp_path / "r.parquet")
    assert config_of(driftline("init", tmp_path / "r.parquet").out).models[0].task == task


def test_fractions_are_no_targets_of_named_classes(driftline: Driftline, tmp_path: Path) -> None:
    """A feature that is called ``y`` is a feature, where what is predicted is text and ``y`` has fractions."""
    table = pa.table({"x": list(range(120)), "y": [0.25, 0.5] * 60, "prediction": ["yes", "no"] * 60})
    pq.write_table(table, tmp_path / "r.parquet")
    model = config_of(driftline("init", tmp_path / "r.parquet").out).models[0]
    assert (model.task, model.columns.target) == ("binary", "target")


def test_without_event_times_the_promise_is_not_made(driftline: Driftline, tmp_path: Path) -> None:
    """A reference without event times is taken, and what that costs is said."""
    pq.write_table(reference_table(1000).drop_columns(["timestamp"]), tmp_path / "r.parquet")
    done = driftline("init", tmp_path / "r.parquet")
    assert done.code == 0
    assert "--timestamp" in done.err


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("reference.parquet", "model"),
        ("Churn_2024.csv.gz", "churn-2024"),
        ("_.csv", "model"),
        ("a" * 80 + ".csv", "a" * 63),
        ("flights-reference.parquet", "flights"),
    ],
)
def test_a_name_is_made_of_the_file_s(file: str, name: str) -> None:
    """The model's name is the file's, as far as a name may look like it."""
    assert model_name(Path(file)) == name
