"""Whether importance weights bring estimates nearer to what came true.

``python -m benchmarks.estimates_weighted FOLDER``. FOLDER is that of ``estimates``. Each chunk has weights of its own,
told from its features and scores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.estimates import features, judge, places, scores, values
from benchmarks.harness import Row, Scalar, report
from monitor.performance.estimate.weights import importance_weights, reweighted

_SETS = ("car_loan", "employment", "housing")


def weighted_rows(folder: Path, name: str) -> list[Row]:
    """Return the mean error of each metric's plain and weighted estimates, and the reference's rows left in effect."""
    reference, analysis = (pq.read_table(folder / f"{name}-{part}.parquet") for part in ("reference", "analysis"))
    judged, chunk = judge(reference, analysis), analysis["chunk"].to_numpy()
    truth = places(reference, "target").astype(np.float64)
    errors: dict[str, list[tuple[float, float]]] = {}
    left = []
    for number, columns in enumerate(judged.columns):
        weights = importance_weights(_read(reference), _read(analysis.filter(pa.array(chunk == number))))
        left.append(weights.effective_rows)
        probability = reweighted(scores(reference), truth, weights, columns["score"])
        weighted = values(judged.estimator, {**columns, "probability": probability})
        for metric, true in judged.realised[number].items():
            plain = judged.estimated[number][metric].value
            if plain is not None and metric in weighted:
                errors.setdefault(metric, []).append((abs(plain - true), abs(weighted[metric] - true)))
    rows: list[Row] = []
    for metric, each in errors.items():
        plain_error, weighted_error = (round(float(error), 5) for error in np.mean(each, axis=0))
        shown: dict[str, Scalar] = {"set": name, "metric": metric, "plain": plain_error, "weighted": weighted_error}
        rows.append({**shown, "least_effective_rows": round(min(left))})
    return rows


def _read(rows: pa.Table) -> pa.Table:
    return features(rows).append_column("(score)", rows["score"])


if __name__ == "__main__":
    report("estimates_weighted", [row for name in _SETS for row in weighted_rows(Path(sys.argv[1]), name)])
