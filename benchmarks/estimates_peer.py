"""Asks NannyML, in an environment of its own: ``PYTHON estimates_peer.py FOLDER`` keeps its sets and estimates there.

Each set is written as Parquet (``target``, ``predicted``, ``score`` or ``score:CLASS``, features, and the ``chunk`` of
each row), reference and analysis; ``estimates.json`` has the published method's figures by set, metric and chunk. No
file of the project is imported.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

# A library of another environment: the project does not depend on it, and so imports it by name.
_BINARY = ["roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy"]
_MULTICLASS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
_REGRESSION = ["mae", "mse", "rmse"]


@dataclass(frozen=True, slots=True)
class DataSet:
    """One of the bundled sets: how it is loaded, what its columns are, and the rows of a chunk."""

    name: str
    load: str
    target: str
    predicted: str
    score: str | dict[str, str] | None
    rows: int


SETS = (
    DataSet(
        "work_home", "load_synthetic_binary_classification_dataset", "work_home_actual", "y_pred", "y_pred_proba", 5000
    ),
    DataSet("car_loan", "load_synthetic_car_loan_dataset", "repaid", "y_pred", "y_pred_proba", 5000),
    DataSet("housing", "load_modified_california_housing_dataset", "clf_target", "y_pred", "y_pred_proba", 1000),
    DataSet("employment", "load_us_census_ma_employment_data", "employed", "prediction", "predicted_probability", 5000),
    DataSet(
        "credit_card",
        "load_synthetic_multiclass_classification_dataset",
        "y_true",
        "y_pred",
        {name: f"y_pred_proba_{name}" for name in ("highstreet_card", "prepaid_card", "upmarket_card")},
        6000,
    ),
    DataSet("car_price", "load_synthetic_car_price_dataset", "y_true", "y_pred", None, 6000),
)


def _loaded(nml: Any, each: DataSet) -> tuple[Any, Any]:
    reference, analysis, targets = getattr(nml, each.load)()
    return reference, analysis.merge(targets, on="id") if "id" in targets else analysis.join(targets)


def _features(each: DataSet, rows: Any) -> list[str]:
    scores = each.score.values() if isinstance(each.score, dict) else [each.score]
    known = {each.target, each.predicted, *scores, "id", "timestamp", "period", "year"}
    return [name for name in rows.columns if name not in known]


def _keep(each: DataSet, rows: Any, path: Path) -> None:
    """Write rows under the names that the benchmark reads."""
    kept = rows[_features(each, rows)].copy()
    for name in kept.columns:
        if kept[name].dtype.kind not in "iuf":
            kept[name] = kept[name].astype("string")
    kept["target"], kept["predicted"] = rows[each.target], rows[each.predicted]
    if isinstance(each.score, dict):
        for name, column in each.score.items():
            kept[f"score:{name}"] = rows[column].astype(float)
    elif each.score is not None:
        kept["score"] = rows[each.score].astype(float)
    kept["chunk"] = [row // each.rows for row in range(len(rows))]
    kept.to_parquet(path)


def _estimated(nml: Any, each: DataSet, reference: Any, analysis: Any) -> dict[str, list[float]]:
    """Return the estimates of each metric by chunk of the analysis."""
    if each.score is None:
        metrics = _REGRESSION
        estimator = nml.DLE(
            feature_column_names=_features(each, reference),
            y_pred=each.predicted,
            y_true=each.target,
            metrics=metrics,
            chunk_size=each.rows,
        )
    else:
        many = isinstance(each.score, dict)
        metrics = _MULTICLASS if many else _BINARY
        estimator = nml.CBPE(
            y_pred_proba=each.score,
            y_pred=each.predicted,
            y_true=each.target,
            problem_type="classification_multiclass" if many else "classification_binary",
            metrics=metrics,
            chunk_size=each.rows,
        )
    estimator.fit(reference)
    told = estimator.estimate(analysis.drop(columns=each.target)).filter(period="analysis").to_df()
    return {metric: [float(value) for value in told[metric, "value"]] for metric in metrics}


def main(folder: Path) -> None:
    """Write all sets and what NannyML estimates of them."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # else it calls its makers
    nml = import_module("nannyml")
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"nannyml": nml.__version__}
    for each in SETS:
        reference, analysis = _loaded(nml, each)
        _keep(each, reference, folder / f"{each.name}-reference.parquet")
        _keep(each, analysis, folder / f"{each.name}-analysis.parquet")
        for name in _features(each, reference):  # as its guides do
            if reference[name].dtype.kind not in "iuf":
                reference[name], analysis[name] = (rows[name].astype("category") for rows in (reference, analysis))
        begun = time.perf_counter()
        estimates = _estimated(nml, each, reference, analysis)
        told[each.name] = {"estimates": estimates, "seconds": time.perf_counter() - begun}
        print(f"{each.name}: {told[each.name]['seconds']:.1f} s", file=sys.stderr)
    (folder / "estimates.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
