"""The upper tail of a sum of squared normal variables, each with a weight of its own: limit laws of rank statistics.

Q = sum Z_j² / mu_j, with mu_1 < mu_2 < …. With D(s) = prod (1 - s / mu_j),

    P(Q > x) = 1/pi sum_k (-1)^(k+1) ∫ from mu_(2k-1) to mu_(2k) of exp(-s x / 2) / (s sqrt |D(s)|) ds,

which, unlike one less the distribution function, stays exact to the last digits however small it is. The integrals
end in roots: with s = middle - half-width cos t they are smooth in t, and few nodes suffice.

Source: Smirnov (1937), Matematicheskii Sbornik 2:973; Anderson, Darling (1952), Annals of Mathematical Statistics
23:193, section 4.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monitor.bins import Floats

_TERMS, _NODES = 24, 32


def upper_tail(roots: Floats, determinant: Callable[[Floats], Floats], sure: float) -> Callable[[Floats], Floats]:
    """Return the upper tail of Q.

    Parameters
    ----------
    roots: mu_1, mu_2, … mu_(2 K), rising, (2 K,).
    determinant: |D(s)|.
    sure: 1 is returned under it, where the series would need more terms, and Q is hardly ever.
    """
    angle = (np.arange(_NODES) + 0.5) * np.pi / _NODES
    low, high = roots[0::2, np.newaxis], roots[1::2, np.newaxis]
    at = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    sign = np.where(np.arange(len(low)) % 2, -1.0, 1.0)[:, np.newaxis]
    weight = sign * (high - low) / 2 * np.sin(angle) / (at * np.sqrt(determinant(at))) / _NODES
    nodes, weights = at.ravel() / 2, weight.ravel()

    def tail(x: Floats) -> Floats:
        given = np.asarray(x, dtype=np.float64)
        chance = (np.exp(-np.maximum(given, sure)[..., np.newaxis] * nodes) * weights).sum(axis=-1)
        found: Floats = np.where(given < sure, 1.0, np.clip(chance, 0.0, 1.0))
        return found

    return tail


def numbered() -> Floats:
    """Return 1, 2, … for as many roots as are summed over."""
    numbers: Floats = np.arange(1, 2 * _TERMS + 1, dtype=np.float64)
    return numbers
