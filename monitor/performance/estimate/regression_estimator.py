"""Direct loss estimation: a regression's losses foretold from its features and predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.calibrator import time_parts
from monitor.performance.estimate.codes import Coder, fit_coder, most_telling
from monitor.performance.estimate.kept import (
    Json,
    coder_from_json,
    coder_to_json,
    misses_from_json,
    misses_to_json,
    support_from_json,
    support_to_json,
    taught_from_json,
    taught_to_json,
    trees_from_json,
    trees_to_json,
)
from monitor.performance.estimate.losses import LOSSES, Scatter, fit_scatter, loss_outlooks, losses_of
from monitor.performance.estimate.outlook import Asked, Columns, Outlook, all_banded, wanted
from monitor.performance.estimate.past import reference_misses
from monitor.performance.estimate.support import Support, fit_support, own_outside
from monitor.performance.estimate.trees import Trees, fit_trees
from monitor.performance.estimate.unfit import LEAST_ROWS, Unfit
from monitor.performance.metric import Value
from monitor.performance.pairs import Floats, NumberPairs

MOST_ROWS = 60_000
"""So many rows of the reference, evenly chosen, teach the losses; a sixth of them where parts are foretold."""
_PART_ROWS = 10_000
_PREDICTION = "(prediction)"
"""The prediction is one of the columns that losses are foretold from."""


@dataclass(frozen=True, slots=True)
class RegressionEstimator:
    """What the reference taught of a regression.

    Attributes
    ----------
    coder, trees: features and prediction to each loss.
    scatter: of each loss about it.
    support, own_outside, misses: as of a classifier.
    """

    coder: Coder = field(repr=False)
    trees: Trees = field(repr=False)
    scatter: Mapping[str, Scatter] = field(repr=False)
    support: Support = field(repr=False)
    own_outside: float
    misses: Mapping[str, Misses] = field(repr=False)

    def contributions(self, predictions: Floats, features: pa.Table) -> dict[str, Floats]:
        """Return what :meth:`summarise` reads of each record, columns of shape (n,), one record at a time.

        Parameters
        ----------
        predictions: (n,), NaN where there is none; ``features``: the n rows' columns by name.
        """
        rows = with_prediction(features, predictions)
        losses = np.maximum(self.trees(self.coder(rows)), 0.0)
        losses[np.isnan(predictions)] = np.nan
        outside = self.support.outside(rows, None, len(predictions))
        return {name: losses[:, place] for place, name in enumerate(LOSSES)} | {"outside": outside}

    def outlooks(self, columns: Columns, asked: Asked = None) -> dict[str, Outlook]:
        """Return what is expected of rows before their band, of the metrics asked for."""
        return wanted(loss_outlooks(columns, self.scatter), asked)

    def summarise(self, columns: Columns, asked: Asked = None) -> dict[str, Value]:
        """Return the estimate of each metric asked for with the 95 % band of what will be realised."""
        return all_banded(self.outlooks(columns, asked), self.misses)

    def to_json(self) -> Json:
        """Return all of it as JSON, number for number."""
        return {
            "coder": coder_to_json(self.coder),
            "trees": trees_to_json(self.trees),
            "scatter": {n: {"ratio": s.ratio, "taught": taught_to_json(s.taught)} for n, s in self.scatter.items()},
            "support": support_to_json(self.support),
            "own_outside": self.own_outside,
            "misses": misses_to_json(self.misses),
        }

    @classmethod
    def from_json(cls, kept: Json) -> RegressionEstimator:
        """Return the estimator that :meth:`to_json` wrote."""
        return cls(
            coder_from_json(kept["coder"]),
            trees_from_json(kept["trees"]),
            {n: Scatter(s["ratio"], taught_from_json(s["taught"])) for n, s in kept["scatter"].items()},
            support_from_json(kept["support"]),
            kept["own_outside"],
            misses_from_json(kept["misses"]),
        )


FitRegression: TypeAlias = Callable[[NumberPairs, NDArray[np.int64], pa.Table], RegressionEstimator | Unfit]
"""What :func:`fit_regression` does, wherever it is done."""


def fit_regression(pairs: NumberPairs, steps: NDArray[np.int64], features: pa.Table) -> RegressionEstimator | Unfit:
    """Return the estimator of a regression's reference, or why there is none.

    Parameters
    ----------
    pairs: the reference's answers, in the order of time; rows without a prediction are passed over.
    steps: the number of each row's step, (n,); ``features``: the reference's columns by name.
    """
    known = np.isfinite(pairs.predictions) & np.isfinite(pairs.targets)
    if int(known.sum()) < LEAST_ROWS:
        return Unfit.TOO_FEW_ROWS
    if not features.num_columns:
        return Unfit.NO_FEATURES
    rows = with_prediction(features, pairs.predictions).filter(pa.array(known))
    true = losses_of(pairs.targets[known], pairs.predictions[known])
    losses = np.stack([true[name] for name in LOSSES], axis=1)
    parts = time_parts(steps[known])
    apart = _foretold(rows, losses, parts)
    coder, trees = _fitted(rows, losses, MOST_ROWS)
    columns = {name: apart[:, place] for place, name in enumerate(LOSSES)}
    scatter = {name: fit_scatter(true[name], columns[name]) for name in LOSSES}

    def outlooks(part: Columns) -> dict[str, Outlook]:
        return loss_outlooks(part, scatter)

    misses = reference_misses(outlooks, columns, outlooks, true, steps[known])
    return RegressionEstimator(coder, trees, scatter, fit_support(rows), own_outside(rows, None, parts), misses)


def with_prediction(features: pa.Table, predictions: Floats) -> pa.Table:
    """Return the columns and the prediction as one of them."""
    return features.append_column(_PREDICTION, pa.array(predictions))


def _foretold(rows: pa.Table, losses: Floats, parts: NDArray[np.intp]) -> Floats:
    """Return each row's losses as trees of all other parts foretell them, (n, 2)."""
    apart = np.empty_like(losses)
    for part in np.unique(parts):
        here = parts == part
        coder, trees = _fitted(rows.filter(pa.array(~here)), losses[~here], _PART_ROWS)
        apart[here] = np.maximum(trees(coder(rows.filter(pa.array(here)))), 0.0)
    return apart


def _fitted(rows: pa.Table, losses: Floats, most: int) -> tuple[Coder, Trees]:
    chosen = np.arange(min(most, len(losses))) * len(losses) // min(most, len(losses))
    taken = rows.take(pa.array(chosen))
    coder = most_telling(fit_coder(taken, losses[chosen, 0]), taken, losses[chosen, 0])
    return coder, fit_trees(coder(taken), losses[chosen])
