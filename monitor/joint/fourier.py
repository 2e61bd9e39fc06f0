"""Random Fourier features, whose means differ where two distributions do: maximum mean discrepancy by its parts."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from monitor.bins import Floats
from monitor.joint.scores import QUANTA

_TURN = 2**26
"""A phase is counted in parts of a turn, so that no sum of phases is rounded."""
_FINE = 2**12
"""The cosine is looked up at so many points of a turn: the same on every machine."""
_COSINE = np.rint(np.cos(2 * np.pi * (np.arange(_FINE) + 0.5) / _FINE) * 2**15) / 2**15
_MEDIAN_ROWS = 500
_SEED = 20_260_105


def frequencies(scores: Floats, number: int) -> tuple[Floats, Floats]:
    """Return directions (d, number) in turns a quantum, and phases (number,), both in parts of a turn.

    The mean over records of cos(w.x + b), with w normal with deviation 1/s and b uniform, is one random feature of
    the kernel exp(-|x - y|^2 / (2 s^2)) (Rahimi and Recht 2007); the mean squared difference of such means between
    two samples is their MMD (Gretton et al. 2012), whose median heuristic is s.

    Parameters
    ----------
    scores: a sample of the reference in quanta, shape (n, d).
    """
    width = _median_distance(scores[np.unique(np.linspace(0, len(scores) - 1, _MEDIAN_ROWS).astype(np.intp))])
    d = scores.shape[1]
    uniform = uniforms((d + 1) * number).reshape(d + 1, number)
    directions = np.rint(ndtri(uniform[:d]) / width / (2 * np.pi) * _TURN)
    return directions, np.floor(uniform[d] * _TURN)


def features(phases: Floats) -> Floats:
    """Return the cosine of whole phases in parts of a turn, any shape."""
    cosine: Floats = _COSINE[(phases.astype(np.int64) & (_TURN - 1)) * _FINE // _TURN]
    return cosine


def uniforms(number: int) -> Floats:
    """Return numbers between 0 and 1, the same on every machine and with every release of numpy, shape (number,)."""
    raw = np.random.PCG64(_SEED).random_raw(number)
    return (np.asarray(raw >> np.uint64(12), np.float64) + 0.5) * 2.0**-52


def _median_distance(sample: Floats) -> float:
    """Return the median distance of two records in quanta, at least one standard deviation."""
    squares = (sample**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * sample @ sample.T
    middle = float(np.median(distances[np.triu_indices(len(sample), 1)])) if len(sample) > 1 else 0.0
    return max(float(np.sqrt(middle)), float(QUANTA))
