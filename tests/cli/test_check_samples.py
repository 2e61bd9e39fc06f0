"""``check`` shows how the first records of each source are read, and no value of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer
from tests.contracts import schemas
from tests.contracts.schemas_daemon import CHECK
from tests.sources.foreign import TRUTH, WHOLE, text

_CONFIG = """\
models:
  - name: churn
    task: regression
    records:
      {{type: files, path: "capture/*", format: {0}, events: {{features: [age, plan], outputs: [prediction]}}}}
    targets: {{type: files, path: "truth/*.jsonl", format: sagemaker}}
    reference: {{rows: 1000}}
"""


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_the_first_records_are_shown_masked(
    format_: str, driftline: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each format the fields of the record are named as in the native layout, with shapes for values."""
    monkeypatch.chdir(tmp_path)
    for name, data in {"capture": text(WHOLE[format_]) * 7 + b"{\n", "truth": text([TRUTH])}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_bytes(data)
    config = tmp_path / "config.yaml"
    config.write_text(_CONFIG.format(format_))
    done = driftline("check", "-c", config, "--format", "json")
    assert schemas.faults(CHECK, done.out) == []
    records, targets = json.loads(done.out)["models"][0]["sources"]
    assert len(records["rows"]) == 5
    shown = records["rows"][0]
    assert (shown["inputs.age"], shown["inputs.plan"], shown["prediction"]) == ("integer", "text of 4", "number")
    assert records["refused"] == {"json_syntax": 1}
    assert (targets["rows"][0]["target"], targets["rows"][0]["request_id"]) == ("integer", "text of 3")
    table = driftline("check", "-c", config).out
    assert "inputs.plan" in table
    assert "text of 4, text of 4" in table
    assert "1 json_syntax" in table
    assert "gold" not in table + done.out
