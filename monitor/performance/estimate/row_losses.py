"""What each row is expected to lose, from what was kept of it for the window's estimate."""

from __future__ import annotations

import numpy as np

from monitor.performance.estimate.outlook import Columns
from monitor.performance.pairs import Floats

_ABSOLUTE, _PREDICTED, _PROBABILITY = "absolute_error", "predicted", "probability"


def expected_losses(columns: Columns, scale: float) -> Floats | None:
    """Return the loss that is expected of each row, in [0, 1], NaN where it is not known, (n,).

    It is of the losses that :func:`monitor.performance.losses.losses` gives once the target is known: the probability
    of a wrong answer, or the foretold error over a scale. ``None`` where the columns are of neither.

    Parameters
    ----------
    columns: as an estimator's ``contributions`` gave them, (n,) each.
    scale: the error of a regression that is a whole loss.

    >>> expected_losses({"predicted": np.array([1.0, 0.0]), "probability": np.array([0.75, 0.125])}, 1.0).tolist()
    [0.25, 0.125]
    """
    if _ABSOLUTE in columns:
        return np.minimum(columns[_ABSOLUTE] / scale, 1.0)
    if _PREDICTED not in columns:
        return None
    predicted = columns[_PREDICTED]
    if _PROBABILITY in columns:
        positive = columns[_PROBABILITY]
        return np.where(np.isnan(predicted), np.nan, np.where(predicted == 1, 1 - positive, positive))
    names = [name for name in columns if name.startswith(f"{_PROBABILITY}:")]
    if not names:
        return None
    each = np.stack([columns[f"{_PROBABILITY}:{place}"] for place in range(len(names))], axis=1)
    place = np.nan_to_num(predicted, nan=0.0).astype(np.intp)
    told = (place >= 0) & (place < len(names)) & ~np.isnan(predicted)
    lost: Floats = 1 - each[np.arange(len(place)), np.where(told, place, 0)]
    return np.where(told, lost, np.nan)
