"""How often each kind of alert pages where nothing is wrong, at the shares of the budget that are shipped.

``python -m benchmarks.false_alarms [--permutations 4]``. Each stream goes the way that a user's log goes: a model is
trained, its records, scores, latencies and targets are logged, the targets a day late, and ``driftline backtest``
replays them with a config that is the default but for its window of a quarter of a day. Two nulls, both made of the
real flights of 2013: their days shuffled, so that nothing drifts but all that is within a day stays, and rows drawn
one by one, which are independent. A model learns 90 days, 120 are the reference, the rest is the stream.
Permutations share their days, which makes every interval too narrow.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.backtest_flights import backtested
from benchmarks.harness import Row, report
from monitor.alert import AlertSettings, ShareSettings
from monitor.demo.data import FEATURES, load_flights
from monitor.demo.model import Model, predictions, train
from monitor.instant import from_text, microseconds

TRAINED, REFERENCE = 90, 120
_BEGIN = from_text("2014-01-01T00:00:00Z")
_DAY = microseconds(timedelta(days=1))
_EVERY = timedelta(hours=6)
_LEAST_ROWS = 100
_LATENCY_MS, _SPREAD = 3.0, 0.4
_SERVED = [name for name in FEATURES if name != "dest"]
SHARES = {
    "drift": "drift",
    "performance": "performance",
    "latency": "latency",
    "volume": "latency",
    "quality": "quality",
}
"""The share of the budget that each alert has; latency and volume have half of theirs each."""
OUTSIDE = ("fairness", "targets")
"""Alerts without a share: held to the whole promise. Fairness is told the true difference between the groups."""


@dataclass(frozen=True, slots=True)
class Null:
    """A world in which nothing drifts: its rows, by the days that they now lie in."""

    name: str
    rows: pa.Table
    day: NDArray[np.int64]

    def between(self, first: int, last: int) -> pa.Table:
        """Return the rows of days [first, last), in order of time."""
        return self.rows.slice(*_span(self.day, first, last))

    @property
    def days(self) -> int:
        """Return how many days there are."""
        return int(self.day[-1]) + 1


def _span(day: NDArray[np.int64], first: int, last: int) -> tuple[int, int]:
    a, b = np.searchsorted(day, (first, last)).tolist()
    return a, b - a


def whole_days(rows: pa.Table) -> pa.Table:
    """Leave out days that are a fault of the data themselves: the data set has no weather of the last one."""
    day = np.asarray(rows["timestamp"]) // _DAY
    known = np.bincount(day, weights=np.asarray(pc.is_valid(rows["temp"])).astype(np.float64))
    return rows.filter(pa.array(known[day] > 0))


def shuffled(rows: pa.Table, seed: int) -> Null:
    """Return the rows with their days in another order."""
    times = np.asarray(rows["timestamp"])
    days = np.unique(times // _DAY)
    place = np.zeros(int(days.max()) + 1, np.int64)
    place[np.random.default_rng(seed).permutation(days)] = np.arange(len(days))
    return _moved("flights, days shuffled", rows, place[times // _DAY] * _DAY + times % _DAY)


def drawn(rows: pa.Table, seed: int) -> Null:
    """Return rows drawn one by one, as many as there are, at instants that are drawn too."""
    rng = np.random.default_rng(seed)
    taken = rows.take(pa.array(rng.integers(0, len(rows), len(rows))))
    days = len(np.unique(np.asarray(rows["timestamp"]) // _DAY))
    return _moved("flights, rows drawn", taken, np.sort(rng.integers(0, days * _DAY, len(rows))))


def _moved(name: str, rows: pa.Table, times: NDArray[np.int64]) -> Null:
    order = np.argsort(times, kind="stable")
    rows = rows.take(pa.array(order))
    rows = rows.set_column(rows.column_names.index("timestamp"), "timestamp", pa.array(_BEGIN + times[order]))
    ids = pa.array([f"{number:09x}" for number in range(len(rows))])
    return Null(name, rows.set_column(rows.column_names.index("request_id"), "request_id", ids), times[order] // _DAY)


def native(rows: pa.Table, model: Model, seed: int) -> pa.Table:
    """Return rows as a model server logs them; latencies are drawn, and longer where many flights were late."""
    scores, rng = model.score(rows), np.random.default_rng(seed)
    step = np.asarray(rows["timestamp"]) // microseconds(_EVERY)
    step -= step.min()
    late = np.asarray(pc.fill_null(rows["late"], 1)).astype(np.float64)
    storm = np.bincount(step, weights=late) / np.maximum(np.bincount(step), 1)
    latency = _LATENCY_MS * np.exp(_SPREAD * rng.standard_normal(len(rows)) + storm[step])
    inputs = pa.StructArray.from_arrays([rows[name].combine_chunks() for name in _SERVED], names=_SERVED)
    return pa.table(
        {
            "timestamp": rows["timestamp"].cast(pa.timestamp("us", "UTC")),
            "request_id": rows["request_id"],
            "model_version": pa.repeat(model.version, len(rows)),
            "inputs": inputs,
            "prediction": predictions(scores),
            "score": scores,
            "latency_ms": latency,
            "target": rows["late"],
        }
    )


def write(folder: Path, null: Null, seed: int) -> Path:
    """Write reference, records and targets of a stream; return its config."""
    begin = TRAINED + REFERENCE
    model = train(null.between(0, TRAINED), "1")
    told = native(null.between(TRAINED, null.days), model, seed)
    count = len(null.between(TRAINED, begin))
    for name in ("logs", "targets"):
        (folder / name).mkdir()
    pq.write_table(told.slice(0, count), folder / "reference.parquet")
    stream = told.slice(count)
    pq.write_table(stream.drop_columns(["target"]), folder / "logs" / "all.parquet")
    known_at = pc.add(stream["timestamp"].cast(pa.int64()), _DAY).cast(pa.timestamp("us", "UTC"))
    targets = pa.table({"timestamp": known_at, "request_id": stream["request_id"], "target": stream["target"]})
    pq.write_table(targets.filter(pc.is_valid(stream["target"])), folder / "targets" / "all.parquet")
    return _config(folder, _apart(told))


def _apart(told: pa.Table) -> float:
    """Return how far the groups truly are apart: the largest difference between origins over all rows."""
    origin, warned = told["inputs"].combine_chunks().field("origin"), np.asarray(told["prediction"])
    means = [warned[np.asarray(pc.equal(origin, each))].mean() for each in pc.unique(origin)]
    return float(max(means) - min(means))


def _config(folder: Path, apart: float) -> Path:
    model = {
        "name": "null",
        "task": "binary",
        "records": {"type": "files", "path": "logs/*.parquet"},
        "targets": {"type": "files", "path": "targets/*.parquet", "delay": "1d"},
        "reference": {"path": "reference.parquet"},
        "window": {"length": "6h", "every": "6h", "min_rows": _LEAST_ROWS},
        "fairness": {"columns": ["origin"], "at_most": {"demographic_parity": round(apart, 4)}},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps({"state": {"directory": ".state"}, "models": [model]}), "utf-8")
    return path


def fired(null: Null, seed: int) -> tuple[Counter[str], int, bool]:
    """Replay a stream; return the alerts by name, its windows, and whether it is calibrated."""
    with TemporaryDirectory(prefix="driftline-null-") as folder:
        lines, _, _ = backtested(write(Path(folder), null, seed))
    (summary,) = lines[-1]["models"]
    return Counter(summary["alerts"]), sum(line["kind"] == "window" for line in lines), summary["calibrated"]


def measured(name: str, streams: Iterator[Null]) -> Iterator[Row]:
    """Yield a line a kind of alert, and one for all together."""
    alerts: Counter[str] = Counter()
    windows = calibrated = total = 0
    for seed, null in enumerate(streams):
        found, more, promised = fired(null, seed)
        print(f"{name} {seed}: {more} windows, {dict(found)}", file=sys.stderr)
        alerts, windows, calibrated, total = alerts + found, windows + more, calibrated + promised, total + 1
    budget = windows * (_EVERY / AlertSettings().false_alarms.period)
    halves = {"latency": 0.5, "volume": 0.5}
    parts = {each: getattr(ShareSettings(), share) * halves.get(each, 1.0) for each, share in SHARES.items()}
    for each, part in (parts | dict.fromkeys(OUTSIDE, 1.0)).items():
        share = f"{part:g}" if each in parts else "a rule"
        yield _line(name, each, share, alerts[each], budget * part)
    yield _line(name, "all", "1", alerts.total(), budget) | {"windows": windows, "calibrated": f"{calibrated}/{total}"}


def _line(null: str, alert: str, share: str, false: int, allowed: float) -> dict[str, str | int | float]:
    upper = float(chi2.ppf(0.975, 2 * (false + 1))) / 2
    return {
        "null": null,
        "alert": alert,
        "share": share,
        "false": false,
        "allowed": round(allowed, 2),
        "upper 95 %": round(upper, 2),
        "result": "pass" if false <= allowed else "FAIL",
    }


def main() -> int:
    """Measure, print and write; 1 if a kind of alert pages more often than its share allows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=4)
    number = parser.parse_args().permutations
    rows = whole_days(load_flights())
    found = [
        *measured("flights, days shuffled", (shuffled(rows, seed) for seed in range(number))),
        *measured("flights, rows drawn", (drawn(rows, seed) for seed in range(number))),
    ]
    report("false_alarms", found)
    return 1 if any(row["result"] == "FAIL" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
