"""The array types of the engine, and its constants."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

BETS: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""The bets l: each is best against a shift of about l standard errors a step."""

SIGNS: tuple[float, float] = (1.0, -1.0)
"""Upward and downward; the first axis of all evidence."""

WOBBLING = 0.2
"""A channel whose blocks owe more than this share of their variance to wobble counts as wobbling."""


def bets() -> Floats:
    """Return the bets as an array, shape (6,)."""
    return np.array(BETS, dtype=np.float64)


def signs() -> Floats:
    """Return the signs as an array, shape (2,)."""
    return np.array(SIGNS, dtype=np.float64)
