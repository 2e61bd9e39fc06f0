"""Estimates of performance without targets: beside NannyML's, beside what came true, their bands and their cost.

``python -m benchmarks.estimates [FOLDER]``. FOLDER holds what ``estimates_peer.py`` wrote in NannyML's own environment:
its bundled sets and its own estimates of each chunk; without it only drawn streams are measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.estimates_worlds import WORLDS, World, drawn
from benchmarks.harness import Row, report
from monitor.performance.estimate.assumption import Assumption
from monitor.performance.estimate.binary import binary_outlooks
from monitor.performance.estimate.binary_estimator import BinaryEstimator, fit_binary
from monitor.performance.estimate.losses import losses_of
from monitor.performance.estimate.multiclass_estimator import MulticlassEstimator, fit_multiclass
from monitor.performance.estimate.regression_estimator import RegressionEstimator, fit_regression
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.metric import Value
from monitor.performance.pairs import ClassPairs, Floats, NumberPairs, Places

_OURS = {"average_precision": "pr_auc"}
"""Where NannyML has another name for it."""
_KNOWN = ("target", "predicted", "score", "chunk")
_SECOND = 1.0
_TIMED_ROWS = 100_000
_AGREES, _DRAWS = 1e-3, 300
_RELATIVE = ("mae", "mse", "rmse")
Estimator = BinaryEstimator | MulticlassEstimator | RegressionEstimator


@dataclass(frozen=True, slots=True)
class Judged:
    """Estimates of a stream's chunks beside what came true."""

    estimator: Estimator
    columns: list[dict[str, Floats]]
    estimated: list[dict[str, Value]]
    realised: list[dict[str, float]]
    fit_seconds: float
    estimate_seconds: float


def judge(reference: pa.Table, analysis: pa.Table, assume: Assumption = Assumption.COVARIATE_SHIFT) -> Judged:
    """Fit on the reference, estimate each chunk of the analysis, and look up what came true."""
    begun = time.perf_counter()
    estimator, contributions = fitted(reference, assume)
    fit_seconds, begun = time.perf_counter() - begun, time.perf_counter()
    columns = contributions(analysis)
    chunk = analysis["chunk"].to_numpy()
    spans = [np.flatnonzero(chunk == each) for each in np.unique(chunk)]
    chunks = [{name: each[rows] for name, each in columns.items()} for rows in spans]
    estimated = [estimator.summarise(each) for each in chunks]
    estimate_seconds = time.perf_counter() - begun
    true = columns | true_columns(estimator, analysis)
    realised = [values(estimator, {name: each[rows] for name, each in true.items()}) for rows in spans]
    return Judged(estimator, chunks, estimated, realised, fit_seconds, estimate_seconds)


def values(estimator: Estimator, columns: Mapping[str, Floats]) -> dict[str, float]:
    """Return what came true, of each metric that has a value."""
    is_binary = isinstance(estimator, BinaryEstimator)
    seen = binary_outlooks(columns) if is_binary else estimator.outlooks(columns)
    return {name: each.value for name, each in seen.items() if each.value is not None}


def fitted(
    reference: pa.Table, assume: Assumption = Assumption.COVARIATE_SHIFT
) -> tuple[Estimator, Callable[[pa.Table], dict[str, Floats]]]:
    """Return the estimator of a reference and what contributes a table's rows."""
    steps = reference["chunk"].to_numpy().astype(np.int64)
    if not any(name.startswith("score") for name in reference.column_names):
        numbers = NumberPairs(_floats(reference, "target"), _floats(reference, "predicted"))
        regression = _fit(fit_regression(numbers, steps, features(reference)))
        return regression, lambda rows: regression.contributions(_floats(rows, "predicted"), features(rows))
    pairs = ClassPairs(
        classes(reference), places(reference, "target"), places(reference, "predicted"), scores(reference)
    )
    if pairs.scores is not None and pairs.scores.ndim == 1:
        classifier = _fit(fit_binary(pairs, steps, features(reference), assume=assume))
    else:
        classifier = _fit(fit_multiclass(pairs, steps, features(reference)))
    return classifier, lambda rows: classifier.contributions(scores(rows), places(rows, "predicted"), features(rows))


def _fit(found: Any) -> Any:
    if isinstance(found, Unfit):
        raise SystemExit(f"a reference teaches nothing: {found}")
    return found


def true_columns(estimator: Estimator, rows: pa.Table) -> dict[str, Floats]:
    """Return the columns in whose place an outlook is the realised value."""
    if isinstance(estimator, RegressionEstimator):
        return losses_of(_floats(rows, "target"), _floats(rows, "predicted"))
    target = places(rows, "target")
    if isinstance(estimator, BinaryEstimator):
        return {"probability": target.astype(np.float64)}
    return {f"probability:{each}": (target == each).astype(np.float64) for each in range(len(classes(rows)))}


def features(rows: pa.Table) -> pa.Table:
    """Return the columns that are neither answers nor targets."""
    return rows.select([n for n in rows.column_names if n not in _KNOWN and not n.startswith("score:")])


def classes(rows: pa.Table) -> tuple[str, ...]:
    """Return the names of the classes."""
    named = tuple(name.removeprefix("score:") for name in rows.column_names if name.startswith("score:"))
    return named or ("0", "1")


def scores(rows: pa.Table) -> Floats:
    """Return scores, (n,) or (n, k)."""
    if "score" in rows.column_names:
        return _floats(rows, "score")
    return np.stack([_floats(rows, f"score:{name}") for name in classes(rows)], axis=1)


def _floats(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(), np.float64)


def places(rows: pa.Table, name: str) -> Places:
    """Return the place of each row's class, (n,)."""
    values = rows[name].to_numpy()
    if values.dtype.kind in "iufb":
        return np.asarray(values, np.intp)
    return np.asarray(np.searchsorted(np.array(classes(rows)), values.astype(str)), np.intp)


def peer_rows(folder: Path) -> list[Row]:
    """Return a row for each set and metric: how far ours and NannyML's estimates are from each other and the truth."""
    told = json.loads((folder / "estimates.json").read_text())
    rows: list[Row] = []
    for name in [each for each in told if each != "nannyml"]:
        reference, analysis = (pq.read_table(folder / f"{name}-{part}.parquet") for part in ("reference", "analysis"))
        judged = judge(reference, analysis)
        for metric, theirs in told[name]["estimates"].items():
            rows.append({"set": name, **_compared(judged, _OURS.get(metric, metric), np.array(theirs))})
        print(f"{name}: fit {judged.fit_seconds:.1f} s, all chunks {judged.estimate_seconds:.2f} s", file=sys.stderr)
    return rows


def _compared(judged: Judged, metric: str, theirs: Floats) -> dict[str, Any]:
    ours = np.array([each[metric].value for each in judged.estimated], np.float64)
    true = np.array([each.get(metric, np.nan) for each in judged.realised])
    unit = float(np.nanmean(np.abs(true))) if metric in _RELATIVE else 1.0
    apart, our_error, their_error = (np.abs(each) / unit for each in (ours - theirs, ours - true, theirs - true))
    known = ~np.isnan(true) & ~np.isnan(ours)
    held = [_holds(each[metric], came_true) for each, came_true in zip(judged.estimated, true, strict=True)]
    good = float(apart[known].max()) <= _AGREES or our_error[known].mean() <= their_error[known].mean()
    return {
        "metric": metric,
        "chunks": int(known.sum()),
        "apart_most": round(float(apart[known].max()), 5),
        "our_error": round(float(our_error[known].mean()), 5),
        "nannyml_error": round(float(their_error[known].mean()), 5),
        "in_band": f"{sum(held)}/{int(known.sum())}",
        "as_good": "yes" if good else _by_drawing(judged, metric, ours, theirs),
    }


def _by_drawing(judged: Judged, metric: str, ours: Floats, theirs: Floats) -> str:
    """Say whose values are nearer to the mean over drawn targets, where scores that are ill calibrated hide it."""
    if not isinstance(judged.estimator, BinaryEstimator):
        return "no"
    generator, exact = np.random.default_rng(0), []
    for columns in judged.columns:
        chance = columns["probability"]
        drawn = [
            {**columns, "probability": (generator.random(len(chance)) < chance).astype(np.float64)}
            for _ in range(_DRAWS)
        ]
        exact.append(np.nanmean([values(judged.estimator, each).get(metric, np.nan) for each in drawn]))
    nearer = np.abs(ours - exact).mean() <= np.abs(theirs - exact).mean()
    return "nearer to the exact expectation" if nearer else "no"


def _holds(value: Value, true: float) -> bool:
    return value.lower is not None and value.upper is not None and value.lower <= true <= value.upper


def coverage_rows(rounds: int) -> list[Row]:
    """Return how often a band holds what came true, in worlds where it should and where it cannot."""
    rows: list[Row] = []
    for reference_rows, window_rows in ((5_000, 300), (20_000, 1_000), (20_000, 5_000)):
        for world in WORLDS:
            held: dict[str, list[bool]] = {}
            for number in range(rounds):
                for name, inside in _held(world, reference_rows, window_rows, number).items():
                    held.setdefault(name, []).extend(inside)
            shown: dict[str, Any] = {name: round(float(np.mean(each)), 3) for name, each in held.items()}
            rows.append({"world": world.name, "reference": reference_rows, "window": window_rows, **shown})
    return rows


def _held(world: World, reference_rows: int, window_rows: int, number: int) -> dict[str, list[bool]]:
    first = drawn(World("reference"), reference_rows, 10_000 + number)
    steps = pa.array(np.arange(reference_rows) // max(window_rows, reference_rows // 50))
    stream = drawn(world, 10 * window_rows, 20_000 + number)
    judged = judge(
        first.append_column("chunk", steps),
        stream.append_column("chunk", pa.array(np.arange(10 * window_rows) // window_rows)),
        world.assume,
    )
    held: dict[str, list[bool]] = {}
    for estimated, true in zip(judged.estimated, judged.realised, strict=True):
        for name, value in estimated.items():
            if value.value is not None and name in true:
                held.setdefault(name, []).append(_holds(value, true[name]))
    return held


def seconds_of(rows: int) -> float:
    """Return how long all binary metrics of so many rows take, from their scores on."""
    reference, window = drawn(World("reference"), 20_000, 1), drawn(World("window"), rows, 2)
    steps: NDArray[np.int64] = np.arange(20_000) // 1000
    estimator, contributions = fitted(reference.append_column("chunk", pa.array(steps)))
    begun = time.perf_counter()
    estimator.summarise(contributions(window))
    return time.perf_counter() - begun


def main() -> int:
    """Print all tables; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="what estimates_peer.py wrote")
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    peers = peer_rows(asked.folder) if asked.folder else []
    if peers:
        report("estimates_peers", peers)
    report("estimates_coverage", coverage_rows(asked.rounds))
    spent = min(seconds_of(_TIMED_ROWS) for _ in range(3))
    print(f"all binary metrics of {_TIMED_ROWS:,} rows, from scores to bands: {spent:.2f} s (bar {_SECOND:.0f} s)")
    return int(spent > _SECOND or any(row["as_good"] == "no" for row in peers))


if __name__ == "__main__":
    sys.exit(main())
