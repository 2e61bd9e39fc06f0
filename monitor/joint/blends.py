"""Random blends: the product of two sums over halves of the columns, which moves with any dependence across them."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.joint.fourier import uniforms


def signed_halves(columns: int, number: int) -> Floats:
    """Return directions in pairs, entries -1, 0 and 1, shape (columns, 2 number): each pair halves the columns.

    The mean of the product of a pair's sums is a signed sum of the correlations across the halves. A dependence
    that starts where there was none moves half of such means, whichever columns it joins: a random sketch of the
    correlation matrix, as pairs by themselves would need the square of the columns (group testing, Dorfman 1943).
    """
    uniform = uniforms(2 * columns * number).reshape(2, number, columns)
    directions = np.zeros((columns, 2 * number))
    for blend in range(number):
        signs = np.where(uniform[0, blend] < 0.5, -1.0, 1.0)  # noqa: PLR2004 - either sign alike
        upper = np.argsort(uniform[1, blend], kind="stable") < columns // 2
        directions[:, 2 * blend] = np.where(upper, signs, 0.0)
        directions[:, 2 * blend + 1] = np.where(upper, 0.0, signs)
    return directions


def products(sums: Floats) -> Floats:
    """Return the product of each pair of sums, shape (n, number), for sums in quanta of shape (n, 2 number)."""
    return sums[:, 0::2] * sums[:, 1::2]
