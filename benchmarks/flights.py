"""The real flights as a served model logged them: a folder with a reference, nine months of records, and a config.

What ``driftline demo`` does, without the story: a model of January to March serves April to December 2013.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monitor.demo.data import load_flights
from monitor.demo.model import held_out_scores, train, write_reference
from monitor.demo.serve import Server
from monitor.instant import from_text

MODEL = "flight-delay"
SERVED_FROM, SERVED_TO = from_text("2013-04-01T00:00:00Z"), from_text("2014-02-01T00:00:00Z")


def prepare(folder: Path) -> Path:
    """Write reference, records and targets into a folder, and return it."""
    rows = load_flights()
    first = int(np.searchsorted(np.asarray(rows["timestamp"]), SERVED_FROM))
    learnt = rows.slice(0, first)
    model = train(learnt, "1")
    write_reference(folder / "references" / "1.parquet", learnt, "1", held_out_scores(learnt))
    server = Server(rows.slice(first), folder)
    server.deploy(model)
    server.serve(SERVED_TO)
    return folder


def write_config(
    folder: Path, every: str, min_rows: int, state: str = ".driftline", more: Mapping[str, Any] | None = None
) -> Path:
    """Write the config of a folder that :func:`prepare` filled (JSON is YAML too), and return its path.

    Parameters
    ----------
    every: length of a window and a step, such as ``1h``.
    state: where the state goes: two runs of one log need two.
    more: further keys of the model.
    """
    model = {
        "name": MODEL,
        "task": "binary",
        "records": {"type": "files", "path": "logs/*.jsonl"},
        "targets": {"type": "files", "path": "targets/*.jsonl", "delay": "1d"},
        "reference": {"path": "references/{version}.parquet"},
        "columns": {"exclude": ["dest"]},
        "window": {"length": every, "every": every, "min_rows": min_rows},
        "retrain": {"receiver": "job", "mode": "auto", "min_targets": 1000},
        **(more or {}),
    }
    whole = {
        "server": {"listen": "127.0.0.1:0", "external_url": "http://driftline.example"},
        "state": {"directory": state, "retention": "520w"},
        "models": [model],
        "receivers": [{"name": "job", "type": "log"}, {"name": "team", "type": "log"}],
    }
    path = folder / f"config{state}.yaml"
    path.write_text(json.dumps(whole, indent=1), "utf-8")
    return path
