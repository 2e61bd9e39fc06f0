"""Matrix products of whole numbers: exact, and in one thread."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats

_ROWS_AT_ONCE = 256
"""So small a product is given to one thread: a monitor beside a model takes no second core, and none waits for it."""


def projected(scores: Floats, directions: Floats) -> Floats:
    """Return the sums of whole scores (n, d) along whole directions (d, k), shape (n, k).

    Whole numbers whose sums stay below 2**53 are added exactly, in whatever order a library adds them.
    """
    sums = np.empty((len(scores), directions.shape[1]))
    for first in range(0, len(scores), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        np.matmul(scores[part], directions, out=sums[part])
    return sums


def cross_products(scores: Floats) -> Floats:
    """Return the sums of products of whole scores (n, d), two columns each, shape (d, d)."""
    sums = np.zeros((scores.shape[1], scores.shape[1]))
    for first in range(0, len(scores), _ROWS_AT_ONCE):
        part = scores[first : first + _ROWS_AT_ONCE]
        sums += part.T @ part
    return sums
