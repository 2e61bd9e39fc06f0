"""`driftline compare` where a child process is needed: what it says if there is none, and of whom a rule decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Answer
from tests.contracts import schemas

Driftline = Callable[..., Answer]
CONFIG = """
models:
  - name: coffee
    records: {type: files, path: "*.jsonl"}
    reference: {path: reference.parquet}
    drift: {columns: {celsius: {method: "evidently:ks", p_value: 0.01}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a config with a rule on a test of Evidently's."""
    path = tmp_path / "gate.yaml"
    path.write_text(CONFIG)
    return path


def _file(path: Path, rows: int) -> Path:
    pq.write_table(pa.table({"celsius": [20.0 + number % 7 for number in range(rows)]}), path)
    return path


def test_without_evidently_a_comparison_does_not_start(
    driftline: Driftline, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule whose library is not installed is a fault that names the extra: exit code 2."""
    (tmp_path / "evidently.py").write_text("raise ModuleNotFoundError(name='evidently')")
    monkeypatch.syspath_prepend(str(tmp_path))
    reference = _file(tmp_path / "reference.parquet", 50)
    done = driftline("compare", reference, reference, "-c", config)
    assert (done.code, done.out) == (2, "")
    assert "error[E192]" in done.err
    assert 'python -m pip install "driftline[reports]"' in done.err


def test_who_is_outside_alpha_is_said(driftline: Driftline, config: Path, tmp_path: Path) -> None:
    """A column under a rule of Evidently's is named as outside the promise of alpha."""
    reference = _file(tmp_path / "reference.parquet", 3)
    done = driftline("compare", reference, reference, "-c", config)
    assert done.code == 4
    assert "outside alpha: celsius" in done.out


def test_a_classifier_without_rows_keeps_the_contract(driftline: Driftline, tmp_path: Path) -> None:
    """The object has the contract's keys and `classifier` beside them; too few rows tell nothing."""
    reference = _file(tmp_path / "reference.parquet", 50)
    body = driftline("compare", reference, reference, "--classifier", "--format", "json").body
    own = body.pop("classifier")
    assert schemas.faults(schemas.COMPARISON, json.dumps(body)) == []
    assert own == {"rows": [50, 50], "usual": 0.0, "carried_by": []}
    told = next(column for column in body["columns"] if column["name"] == "joint.classifier")
    assert (told["verdict"], told["why"], told["distance"]) == ("insufficient_data", "too_few_rows", None)
