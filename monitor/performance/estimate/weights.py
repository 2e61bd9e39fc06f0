"""Importance weights: how much more often rows like one of the reference's come now."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from monitor.performance.estimate.calibrator import fit_calibrator
from monitor.performance.estimate.codes import fit_coder, most_telling
from monitor.performance.estimate.trees import fit_trees
from monitor.performance.pairs import Floats

LEAST_EFFECTIVE_ROWS = 500
"""With less of the reference left in effect a calibration follows single rows."""
_ROUNDS = 40
_SUREST = 0.99
"""No row of the reference is taken to be more surely one of now: it would outweigh all others."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The weight of each row of a reference, with mean 1, (n,)."""

    values: Floats = field(repr=False)

    @property
    def effective_rows(self) -> float:
        """Return as many rows as would know a mean as well if all weighed alike (Kish 1965)."""
        return float(self.values.sum() ** 2 / np.sum(self.values**2))

    @property
    def hold(self) -> bool:
        """Say whether enough of the reference is left in effect; else its support was left behind."""
        return self.effective_rows >= LEAST_EFFECTIVE_ROWS


def importance_weights(reference: pa.Table, current: pa.Table) -> Weights:
    """Return the weights that make a reference's rows look like current ones.

    The odds that a row is a current one, by a classifier of the two, are the ratio of their densities (Bickel,
    Brueckner, Scheffer 2007). The target may depend on the columns only as it did in the reference.

    Parameters
    ----------
    reference, current: the same columns, features and scores, of n and m rows.
    """
    rows = pa.concat_tables([reference, current])
    is_current = np.repeat([0.0, 1.0], [reference.num_rows, current.num_rows])
    coder = most_telling(fit_coder(rows, is_current), rows, is_current)
    trees = fit_trees(coder(rows), is_current[:, np.newaxis], _ROUNDS)
    chance = np.clip(trees(coder(reference))[:, 0], 1 - _SUREST, _SUREST)
    odds = chance / (1 - chance)
    return Weights(odds / odds.mean())


def reweighted(scores: Floats, positive: Floats, weights: Weights, asked: Floats) -> Floats:
    """Return the probabilities of current scores (m,), calibrated on a reference that weighs as its rows come now.

    The calibration that M-CBPE and PAPE rest on (Bialek et al. 2024, arXiv 2401.08348).

    Parameters
    ----------
    scores, positive: of the reference, (n,); ``asked``: scores of current rows, (m,).
    """
    return fit_calibrator(scores, positive, weights.values)(asked)
