"""A small model that answers forty questions an hour: its config, its reference, and a log that grows as told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.instant import SECOND, from_text, to_text

MODEL = "answers"
START = from_text("2024-01-01T00:00:00Z")
HOUR = 3600 * SECOND
ROWS_AN_HOUR = 40
CANARY = "secretcanary-0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(CANARY.encode()).decode()
CANARIES = (CANARY, SECRET.removeprefix("whsec_"), "pathcanary", "querycanary")
"""What no output may show: the signing key, raw and as it is written, and the secret parts of a receiver's URL."""
_REFERENCE_HOURS = 7 * 24
_LEVELS, _SHARES = ("x", "y", "z"), (0.5, 0.3, 0.2)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with another laid over it, however deep."""
    both = {
        key: merged(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), Mapping) else value
        for key, value in changes.items()
    }
    return {**base, **both}


@dataclass
class World:
    """What lies in a folder that a daemon is started in; ``hours`` have been logged."""

    folder: Path
    hours: int = 0
    model: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("logs", "targets", "references"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "signing.key").touch(mode=0o600)
        (self.folder / "signing.key").write_text(SECRET, "ascii")
        self.model = {
            "name": MODEL,
            "task": "binary",
            "records": {"type": "files", "path": "logs/*.jsonl"},
            "targets": {"type": "files", "path": "targets/*.jsonl"},
            "reference": {"path": "references/{version}.parquet"},
            "window": {"length": "1h", "every": "1h", "min_rows": 20},
        }

    def config(self, model: Mapping[str, Any] | None = None, **sections: Any) -> Path:
        """Write the config, which is JSON and so YAML too: one model, and the sections that are given."""
        whole = {"server": {"listen": "127.0.0.1:0"}, "models": [merged(self.model, model or {})]}
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(merged(whole, sections), indent=1), "utf-8")
        return path

    def receiver(self, name: str, url: str, **more: Any) -> dict[str, Any]:
        """Return a webhook receiver that signs with the secret of this world."""
        return {"name": name, "type": "webhook", "url": url, "secret_file": "signing.key", **more}

    def reference(self, version: str = "1", shift: float = 0.0) -> Path:
        """Write the reference of a version: the week before the log begins, in one stroke."""
        rows = _rows(version, -_REFERENCE_HOURS, _REFERENCE_HOURS, shift)
        inputs = {name: rows.pop(name) for name in ("a", "b", "level", "flag")}
        times = pa.array(rows.pop("timestamp"), pa.timestamp("us", "UTC"))
        rows = {
            "timestamp": times,
            "inputs": pa.StructArray.from_arrays(map(pa.array, inputs.values()), [*inputs]),
            **rows,
        }
        path = self.folder / "references" / f"{version}.parquet"
        pq.write_table(pa.table(rows), path.with_suffix(".new"))
        return path.with_suffix(".new").rename(path)

    def log(self, hours: int, version: str = "1", shift: float = 0.0, file: str = "log") -> int:
        """Append the next hours of records, and before them their targets; return how many records."""
        columns = _rows(version, self.hours, hours, shift)
        self.hours += hours
        names = [name for name in columns if name not in ("a", "b", "level", "flag", "target", "timestamp")]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*map(_plain, columns.values()), strict=True)]
        targets, records = [], []
        for row in rows:
            at = to_text(row["timestamp"])
            inputs = {name: row[name] for name in ("a", "b", "level", "flag")}
            records.append({"timestamp": at, "inputs": inputs, **{name: row[name] for name in names}})
            targets.append({"timestamp": at, "request_id": row["request_id"], "target": row["target"]})
        append(self.folder / "targets" / f"{file}.jsonl", targets)
        append(self.folder / "logs" / f"{file}.jsonl", records)
        return len(rows)


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    """Append rows to a JSONL file."""
    with path.open("ab") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows).encode())


def _rows(version: str, first: int, hours: int, shift: float) -> dict[str, Any]:
    """Return the records of some hours as columns; the same hour of a version is always the same."""
    rng = np.random.default_rng([first + _REFERENCE_HOURS, *version.encode()])
    number = hours * ROWS_AN_HOUR
    score = np.round(rng.uniform(size=number), 6)
    return {
        "timestamp": START + first * HOUR + np.sort(rng.integers(0, hours * HOUR // SECOND, number)) * SECOND,
        "request_id": [f"{version}-{first}-{place}" for place in range(number)],
        "model_version": [version] * number,
        "a": np.round(rng.normal(shift, 1.0, number), 6),
        "b": np.round(rng.lognormal(0.0, 1.0, number), 6),
        "level": rng.choice(_LEVELS, number, p=_SHARES),
        "flag": rng.uniform(size=number) < 0.3,
        "score": score,
        "prediction": (score > 0.5).astype(np.int64),
        "latency_ms": np.round(rng.lognormal(1.0, 0.4, number), 3),
        "target": (rng.uniform(size=number) < score).astype(np.int64),
    }


def _plain(column: Any) -> list[Any]:
    return list(column.tolist() if isinstance(column, np.ndarray) else column)
