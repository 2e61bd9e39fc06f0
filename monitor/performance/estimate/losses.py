"""What is expected of a regression's rows whose losses are foretold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.performance.estimate.outlook import Columns, Outlook
from monitor.performance.estimate.taught import Taught, fit_taught
from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats

LOSSES = ("absolute_error", "squared_error")
METRICS = ("mae", "mse", "rmse")


@dataclass(frozen=True, slots=True)
class Scatter:
    """How far losses lie from what is foretold.

    Attributes
    ----------
    ratio: the variance of a row's loss over the square of what was foretold; ``taught``: how well that is known.
    """

    ratio: float
    taught: Taught = field(repr=False)

    def variance(self, foretold: Floats) -> float:
        """Return the variance of the mean loss of rows, (n,)."""
        rows = len(foretold)
        drawn = self.ratio * float(np.sum(foretold**2)) / rows**2
        return drawn + self.taught.variance(foretold, np.full(rows, 1 / rows))


def fit_scatter(losses: Floats, foretold: Floats) -> Scatter:
    """Return the scatter of a reference's losses about what others of its parts foretold, (n,) both."""
    squares = (losses - foretold) ** 2
    size = float(np.sum(foretold**2))
    return Scatter(float(squares.sum()) / size if size else 0.0, fit_taught(foretold, squares))


def losses_of(targets: Floats, predictions: Floats) -> dict[str, Floats]:
    """Return each of :data:`LOSSES` as it came true, (n,)."""
    errors = targets - predictions
    return {"absolute_error": np.abs(errors), "squared_error": errors**2}


def loss_outlooks(columns: Columns, scatter: Mapping[str, Scatter]) -> dict[str, Outlook]:
    """Return the outlook of each metric.

    Parameters
    ----------
    columns: each of :data:`LOSSES` as foretold, (n,), NaN where there was no prediction; with what came true the values
        are the realised ones.
    scatter: of each loss.
    """
    known = ~np.asarray(np.isnan(columns["absolute_error"]), np.bool_)
    rows = int(known.sum())
    if not rows:
        return dict.fromkeys(METRICS, Outlook(None, 0.0, 0, Undefined.NO_PREDICTIONS))
    absolute, squared = (columns[name][known] for name in LOSSES)
    mae, mse = float(absolute.mean()), float(squared.mean())
    variance = scatter["squared_error"].variance(squared)
    of_root = variance / (4 * mse) if mse else 0.0
    return {
        "mae": Outlook(mae, scatter["absolute_error"].variance(absolute), rows),
        "mse": Outlook(mse, variance, rows),
        "rmse": Outlook(float(np.sqrt(mse)), of_root, rows),
    }
