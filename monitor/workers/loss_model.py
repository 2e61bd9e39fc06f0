"""What foretells a regression's losses, as a child fits it: the reference's rows in, the estimator as JSON out."""

from __future__ import annotations

import numpy as np

from monitor.performance.estimate.regression_estimator import fit_regression
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.pairs import NumberPairs
from monitor.workers.packing import pack, unpack


def fit_losses(content: bytes) -> bytes:
    """Fit the estimator of a regression.

    Parameters
    ----------
    content: packed: anything, and two tables of the same n rows in the order of time: ``target``, ``prediction`` (NaN
        where there is none) and ``step``; and the features.

    Returns
    -------
    Packed: ``{"fitted": …}`` as :meth:`RegressionEstimator.to_json` writes it, or ``{"unfit": reason}``.
    """
    _, (answers, features) = unpack(content)
    target, prediction = (answers[name].to_numpy() for name in ("target", "prediction"))
    steps = np.asarray(answers["step"].to_numpy(), np.int64)
    found = fit_regression(NumberPairs(target, prediction), steps, features)
    return pack({"unfit": str(found)} if isinstance(found, Unfit) else {"fitted": found.to_json()})
