"""Rates of the confusion matrix that is expected of rows whose targets are known by their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.expected import LEAST_EXPECTED, Expected
from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats

_STEP = 1e-30
"""A complex step so small that the derivative by it has no rounding (Squire and Trapp 1998)."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Expected counts of a confusion matrix; complex while a derivative is taken."""

    tp: complex
    fp: complex
    fn: complex
    tn: complex


@dataclass(frozen=True, slots=True)
class Rate:
    """A metric of the four counts, and the counts that must not be empty, each with what to say if they are."""

    of: Callable[[Cells], complex]
    needs: tuple[tuple[Callable[[Cells], complex], Undefined], ...] = ()


def _recall(c: Cells) -> complex:
    return c.tp / (c.tp + c.fn)


def _specificity(c: Cells) -> complex:
    return c.tn / (c.tn + c.fp)


def _mcc(c: Cells) -> complex:
    # Factors, not their product: four counts of 100,000 multiplied are no whole number of a float any more.
    spread = np.sqrt((c.tp + c.fp) * (c.tp + c.fn) + 0j) * np.sqrt((c.tn + c.fp) * (c.tn + c.fn) + 0j)
    return complex((c.tp * c.tn - c.fp * c.fn) / spread)


_ROWS = (lambda c: c.tp + c.fp + c.fn + c.tn, Undefined.TOO_FEW_ROWS)
_POSITIVES = (lambda c: c.tp + c.fn, Undefined.ONE_CLASS)
_NEGATIVES = (lambda c: c.tn + c.fp, Undefined.ONE_CLASS)
_FOUND = (lambda c: c.tp + c.fp, Undefined.NO_POSITIVE_PREDICTIONS)
_CALLED = (lambda c: c.tp + c.fp, Undefined.ONE_CLASS_PREDICTED)
_PASSED = (lambda c: c.tn + c.fn, Undefined.ONE_CLASS_PREDICTED)

RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "accuracy": Rate(lambda c: (c.tp + c.tn) / (c.tp + c.fp + c.fn + c.tn), (_ROWS,)),
        "balanced_accuracy": Rate(lambda c: (_recall(c) + _specificity(c)) / 2, (_POSITIVES, _NEGATIVES)),
        "precision": Rate(lambda c: c.tp / (c.tp + c.fp), (_FOUND,)),
        "recall": Rate(_recall, (_POSITIVES,)),
        "f1": Rate(
            lambda c: 2 * c.tp / (2 * c.tp + c.fp + c.fn),
            ((lambda c: c.tp + c.fp + c.fn, Undefined.NO_POSITIVES),),
        ),
        "specificity": Rate(_specificity, (_NEGATIVES,)),
        "mcc": Rate(_mcc, (_POSITIVES, _NEGATIVES, _CALLED, _PASSED)),
    }
)


def expected_rates(
    probabilities: Floats, chosen: NDArray[np.bool_], asked: Collection[str] | None = None
) -> dict[str, Expected | Undefined]:
    """Return each rate of :data:`RATES` that is asked for, expected.

    A row that the model calls positive is a true positive with its probability (confidence-based performance
    estimation, as NannyML published it in 2022); a rate of expected counts stands for the expected rate.

    Parameters
    ----------
    probabilities: of the positive class, (n,), without NaN; ``chosen``: whether the model called a row positive, (n,).
    """
    positive = np.where(chosen, probabilities, 0.0).sum()
    missed = np.where(chosen, 0.0, probabilities).sum()
    called = int(chosen.sum())
    cells = Cells(positive, called - positive, missed, len(chosen) - called - missed)
    return {name: _expected(rate, cells, chosen) for name, rate in RATES.items() if asked is None or name in asked}


def _expected(rate: Rate, cells: Cells, chosen: NDArray[np.bool_]) -> Expected | Undefined:
    for count, why in rate.needs:
        if np.real(count(cells)) < LEAST_EXPECTED:
            return why
    step = 1j * _STEP
    if_called = rate.of(Cells(cells.tp + step, cells.fp - step, cells.fn, cells.tn)).imag / _STEP
    if_passed = rate.of(Cells(cells.tp, cells.fp, cells.fn + step, cells.tn - step)).imag / _STEP
    return Expected(float(np.real(rate.of(cells))), np.where(chosen, if_called, if_passed))
