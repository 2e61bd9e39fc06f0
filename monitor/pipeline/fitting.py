"""The losses of a large reference are fitted in a child: what that takes in time and memory, this process never has.

The child runs the very same function, so that what it fits is the same number for number, wherever it is fitted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.regression_estimator import FitRegression, RegressionEstimator, fit_regression
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.pairs import NumberPairs
from monitor.workers import Failure, Limits, Task, WorkerFailed, pack, unpack

LEAST_ROWS = 5_000
"""A reference of fewer rows is fitted in place: it takes less memory than the start of a child."""
_LIMITS = Limits(seconds=1800.0, memory_bytes=2 * 2**30, niceness=5)
_FUNCTION = "monitor.workers.loss_model:fit_losses"


def fitted_by(call: Callable[[Task], bytes], least_rows: int = LEAST_ROWS) -> FitRegression:
    """Return what fits a regression's losses in a child, from so many rows of the reference on.

    Parameters
    ----------
    call: has a child do a task, and waits for its answer. A child that gives none leaves the reference
        ``Unfit.NOT_FITTED``: drift and realised performance are told all the same.
    """

    def fit(pairs: NumberPairs, steps: NDArray[np.int64], features: pa.Table) -> RegressionEstimator | Unfit:
        if len(pairs.targets) < least_rows:
            return fit_regression(pairs, steps, features)
        answers = pa.table({"target": pairs.targets, "prediction": pairs.predictions, "step": steps})
        content = pack(None, [answers, features])
        try:
            found = unpack(call(Task(_FUNCTION, content, "the fit of losses", _LIMITS)))[0]
        except WorkerFailed as error:
            if error.reason is Failure.STOPPED:
                raise
            return Unfit.NOT_FITTED
        return Unfit(found["unfit"]) if "unfit" in found else RegressionEstimator.from_json(found["fitted"])

    return fit
