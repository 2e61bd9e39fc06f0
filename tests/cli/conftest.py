from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.cli.program import run

START = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
DAYS = 21
ROWS = 20_000


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> dict[str, Any]:
        """Return the one JSON object on stdout."""
        body: dict[str, Any] = json.loads(self.out)
        return body


@pytest.fixture
def driftline(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Return a function that runs a command in this process."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        done = capsys.readouterr()
        return Answer(code, done.out, done.err)

    return call


def reference_table(rows: int = ROWS, seed: int = 1) -> pa.Table:
    """Return records of three weeks: two features with a daily season, one without, a prediction and its score."""
    rng = np.random.default_rng(seed)
    micros = np.sort(rng.integers(0, DAYS * 86_400_000_000, rows))
    hour = micros / 3_600_000_000 % 24
    score = rng.uniform(size=rows)
    return pa.table(
        {
            "timestamp": pa.array(micros + int(START.timestamp()) * 1_000_000, pa.timestamp("us", "UTC")),
            "request_id": [f"r{number}" for number in range(rows)],
            "inputs.temp": 10 + 5 * np.sin(hour / 24 * 2 * np.pi) + rng.normal(size=rows),
            "inputs.wind": rng.gamma(2.0, 3.0, rows),
            "inputs.carrier": rng.choice(["UA", "AA", "DL"], rows),
            "prediction": (score > 0.5).astype(int),
            "score": score,
        }
    )


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a reference file."""
    path = tmp_path_factory.mktemp("reference") / "flights.parquet"
    pq.write_table(reference_table(), path)
    return path


@pytest.fixture
def config(tmp_path: Path, reference: Path) -> Path:
    """Return a config of one model, with a receiver, beside an empty folder of logs."""
    (tmp_path / "logs").mkdir()
    path = tmp_path / "config.yaml"
    path.write_text(
        "models:\n"
        "  - name: flights\n"
        "    task: binary\n"
        '    records: {type: files, path: "logs/*.jsonl"}\n'
        f"    reference: {{path: {reference}}}\n"
        "    window: {min_rows: 20}\n"
        "    drift: {columns: {temp: {importance: 3}}}\n"
        "receivers:\n"
        "  - {name: job, type: webhook, url: 'http://127.0.0.1:9/hook/s3cret', "
        "secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5}\n"
    )
    return path
