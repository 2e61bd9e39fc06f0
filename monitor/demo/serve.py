"""The model server: answers what was asked in 2013, in that order, and logs every inference.

Records go to ``logs/2013-04.jsonl`` and so on, a file a month; their targets to ``targets/`` a day later, once
the flight has landed. Time is the flights' own: nothing here looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.demo.data import FEATURES
from monitor.demo.lines import json_lines, json_objects, nested
from monitor.demo.model import Model, predictions
from monitor.instant import SECOND, Instant

TARGET_DELAY = 86_400 * SECOND
ROWS_AT_ONCE = 5_000
_LATENCY_SEED, _LATENCY_MEDIAN_MS, _LATENCY_SIGMA = 2013, 3.0, 0.4


@dataclass(slots=True)
class Server:
    """Serves one model at a time.

    Attributes
    ----------
    rows: what will be asked, in order of time.
    directory: where ``logs`` and ``targets`` are written.
    served, told: how many records and targets have been written, the unknown outcomes passed over counted too.
    scores: of the served rows, and beyond them those that the model will give.
    """

    rows: pa.Table
    directory: Path
    served: int = 0
    told: int = 0
    version: str = ""
    factor: float = 1.0
    """What distances are multiplied by on their way to the model: 1 is as they are."""
    scores: NDArray[np.float64] = field(init=False)
    times: NDArray[np.int64] = field(init=False)
    latencies: NDArray[np.float64] = field(init=False)
    _model: Model = field(init=False)

    def __post_init__(self) -> None:
        self.scores = np.full(len(self.rows), np.nan)
        self.times = np.asarray(self.rows["timestamp"])
        draws = np.random.default_rng(_LATENCY_SEED).lognormal(
            np.log(_LATENCY_MEDIAN_MS), _LATENCY_SIGMA, len(self.rows)
        )
        self.latencies = np.round(draws, 3)
        for name in ("logs", "targets"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)

    def deploy(self, model: Model) -> None:
        """Serve this model from the next record on.

        All that it will be asked is scored now, at once: a score depends on its own row and on nothing else.
        """
        self.version, self._model = model.version, model
        self.scores[self.served :] = model.score(self.rows.slice(self.served))

    def measure_distances(self, factor: float, until: Instant) -> None:
        """Have distances multiplied from the next record on, up to an instant at most: the model is asked with those.

        Records after that instant are scored as they are.
        """
        self.factor = factor
        last = int(np.searchsorted(self.times, until))
        rows = _measured(self.rows.slice(self.served, last - self.served), factor)
        self.scores[self.served : last] = self._model.score(rows)

    def serve(self, until: Instant) -> int:
        """Log every record before an instant, and every target that is known by then; return how many records."""
        first, self.served = self.served, int(np.searchsorted(self.times, until))
        for start in range(first, self.served, ROWS_AT_ONCE):
            self._log(start, min(start + ROWS_AT_ONCE, self.served))
        first, self.told = self.told, int(np.searchsorted(self.times, until - TARGET_DELAY))
        for start in range(first, self.told, ROWS_AT_ONCE):
            self._tell(start, min(start + ROWS_AT_ONCE, self.told))
        return self.served

    @property
    def targets(self) -> int:
        """How many targets have been written."""
        return self.told - int(self.rows["late"].slice(0, self.told).null_count)

    @property
    def ended(self) -> bool:
        """Whether everything has been asked."""
        return self.served == len(self.rows)

    def _log(self, start: int, stop: int) -> None:
        rows = _measured(self.rows.slice(start, stop - start), self.factor).combine_chunks()
        scores = self.scores[start:stop]
        inputs = json_objects({name: _array(rows[name]) for name in FEATURES})
        records = {
            "timestamp": _texts(self.times[start:stop]),
            "request_id": _array(rows["request_id"]),
            "model_version": pa.repeat(self.version, stop - start),
            "inputs": nested(inputs),
            "prediction": pa.array(predictions(scores)),
            "score": pa.array(scores),
            "latency_ms": pa.array(self.latencies[start:stop]),
        }
        _append(self.directory / "logs", records)

    def _tell(self, start: int, stop: int) -> None:
        rows = self.rows.slice(start, stop - start).combine_chunks()
        targets = {
            "timestamp": _texts(self.times[start:stop] + TARGET_DELAY),
            "request_id": _array(rows["request_id"]),
            "target": _array(rows["late"]),
        }
        landed = targets["target"].is_valid()
        _append(self.directory / "targets", {key: column.filter(landed) for key, column in targets.items()})


def _measured(rows: pa.Table, factor: float) -> pa.Table:
    if factor == 1.0:
        return rows
    place = rows.column_names.index("distance")
    return rows.set_column(place, "distance", pc.round(pc.multiply(rows["distance"], factor), 1))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _texts(times: NDArray[np.int64]) -> pa.Array:
    return pc.strftime(pa.array(times // SECOND, pa.timestamp("s")), format="%Y-%m-%dT%H:%M:%SZ")


def _append(folder: Path, records: dict[str, pa.Array]) -> None:
    """Append records to the file of their month; they are ordered by time."""
    months = pc.utf8_slice_codeunits(records["timestamp"], 0, 7)
    objects = json_objects(records)
    for month in pc.unique(months).to_pylist():
        with (folder / f"{month}.jsonl").open("ab") as file:
            file.write(json_lines(objects.filter(pc.equal(months, month))))
