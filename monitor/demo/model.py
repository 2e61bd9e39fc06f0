"""The served model: histogram gradient boosting that says how likely a flight is to arrive late.

Trees are grown in one thread, on rows in one order, from one seed: every run and every machine gives the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitor.demo.data import CATEGORICAL, FEATURES, NUMERIC, local_times

WARN_SCORE = 0.3
"""The model predicts "late" (1) from this probability on: about as often as flights are late."""
FOLDS = 5
_SCORE_DIGITS = 6
_NUMBERS = 2 + len(NUMERIC)
"""Inputs that are numbers: hour and weekday of the departure come first."""
_BOOSTING: dict[str, Any] = {
    "max_iter": 80,
    "learning_rate": 0.075,
    "max_leaf_nodes": 15,
    "max_features": 0.3,
    "min_samples_leaf": 100,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": 0,
}


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model and the levels that its categories had in training; a level unseen then is missing."""

    version: str
    levels: dict[str, pa.Array]
    trees: Any

    def score(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return the probability of a late arrival for each row of ``timestamp`` and ``FEATURES``."""
        if not len(rows):
            return np.empty(0)
        with _one_thread():
            probability = self.trees.predict_proba(_matrix(rows, self.levels))[:, 1]
        rounded: NDArray[np.float64] = np.round(probability, _SCORE_DIGITS)
        return rounded


def known(rows: pa.Table) -> pa.Table:
    """Return the rows whose outcome is known."""
    return rows.filter(pc.is_valid(rows["late"]))


def train(rows: pa.Table, version: str) -> Model:
    """Train on rows of ``timestamp``, ``FEATURES`` and ``late``; those of unknown outcome are left out.

    Raises
    ------
    ValueError: the outcomes are not of two classes.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = known(rows)
    if pc.count_distinct(rows["late"]).as_py() != 2:  # noqa: PLR2004 - late and not late
        raise ValueError("flights of one outcome only cannot train a model")
    levels = {name: pc.unique(rows[name]).sort() for name in CATEGORICAL}
    trees = HistGradientBoostingClassifier(
        categorical_features=range(_NUMBERS, _NUMBERS + len(CATEGORICAL)), **_BOOSTING
    )
    with _one_thread():
        trees.fit(_matrix(rows, levels), np.asarray(rows["late"]))
    return Model(version, levels, trees)


def held_out_scores(rows: pa.Table) -> NDArray[np.float64]:
    """Score each row by a model that has not seen its day, nor its neighbours but at a fold's ends.

    The days are cut into ``FOLDS`` stretches; each is scored by a model of the others. Stretches, not single
    days dealt out in turn: a storm of two days would else teach the model what it is then asked.
    """
    days = np.asarray(pc.cast(local_times(rows["timestamp"]), pa.date32()).cast(pa.int32()), dtype=np.int64)
    first, last = days.min(), days.max()
    fold = (days - first) * FOLDS // (last - first + 1)
    scores = np.empty(len(days))
    for held_out in range(FOLDS):
        inside = fold == held_out
        scores[inside] = train(rows.filter(pa.array(~inside)), "").score(rows.filter(pa.array(inside)))
    return scores


def predictions(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 1 where the model warns of a late arrival, else 0."""
    return (scores >= WARN_SCORE).astype(np.int64)


def roc_auc(rows: pa.Table, scores: NDArray[np.float64]) -> float | None:
    """Return the area under the ROC curve over the rows of known outcome; ``None`` if they are of one class."""
    from sklearn.metrics import roc_auc_score

    inside = np.asarray(pc.is_valid(rows["late"]))
    late = np.asarray(rows["late"].filter(pa.array(inside)))
    return float(roc_auc_score(late, scores[inside])) if len(np.unique(late)) > 1 else None


def write_reference(path: Path, rows: pa.Table, version: str, scores: NDArray[np.float64]) -> None:
    """Write what a model is compared against: its rows with held-out scores and targets, in the native format."""
    inputs = pa.StructArray.from_arrays([rows[name].combine_chunks() for name in FEATURES], names=list(FEATURES))
    table = pa.table(
        {
            "timestamp": pc.cast(rows["timestamp"], pa.timestamp("us", "UTC")),
            "request_id": rows["request_id"],
            "model_version": pa.repeat(version, len(rows)),
            "inputs": inputs,
            "prediction": predictions(scores),
            "score": scores,
            "target": rows["late"],
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _matrix(rows: pa.Table, levels: dict[str, pa.Array]) -> NDArray[np.float64]:
    """Return one column an input: numbers as they are, categories as the place of their level; NaN is missing."""
    clock = local_times(rows["timestamp"])
    columns = [pc.hour(clock), pc.day_of_week(clock), *(rows[name] for name in NUMERIC)]
    columns += [pc.index_in(rows[name], levels[name]) for name in CATEGORICAL]
    return np.column_stack([column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in columns])


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)
