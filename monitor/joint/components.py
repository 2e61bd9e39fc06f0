"""Reconstruction error: how far a record lies from the directions in which the reference varies."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.joint.scores import QUANTA

KEPT_VARIANCE = 0.9
"""The leading components that explain this share of the variance are what a record is rebuilt from."""


def residual_directions(correlation: Floats) -> Floats:
    """Return the principal directions that are left out, in quanta, shape (d, r), 1 <= r <= d.

    A record's error is the sum of squares of its scores along them: the squared distance between the record and its
    reconstruction from the leading components (Jackson and Mudholkar 1979: the Q statistic).

    Parameters
    ----------
    correlation: of the columns' normal scores, shape (d, d).
    """
    variances, directions = np.linalg.eigh(correlation)  # rising
    left_out = np.cumsum(variances) <= (1 - KEPT_VARIANCE) * variances.sum()
    number = max(int(left_out.sum()), 1)
    quantised: Floats = np.rint(directions[:, :number] * QUANTA)
    return quantised


def errors(projections: Floats) -> Floats:
    """Return each record's error, the mean over the directions left out, shape (n,).

    Parameters
    ----------
    projections: scores times directions, in squared quanta, shape (n, r); rounded to quanta before they are squared,
        so that the sum of squares is exact.
    """
    along = np.rint(projections / QUANTA)
    mean: Floats = (along * along).sum(axis=1) / (QUANTA**2 * projections.shape[1])
    return mean
