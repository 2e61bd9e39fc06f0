"""The season: what the reference's blocks owe to the hour of the day or the day of the week.

A few linear models are compared by cross-validation over contiguous folds, one for all channels; the winner's season
is then shrunk in each channel by how little it explains there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.calibration.arrays import Floats, Ints

FOLDS = 4
WORST_SCORE = 2.0  # of one channel: one outlier must not decide for all
BETTER = 0.99  # a richer model must win by 1 %
CYCLES_FOR_HARMONICS, CYCLES_FOR_BINS = 3, 6
BIN_PERIODS = (3, 48)
SINGLE_HARMONICS, SECOND_HARMONICS = 2, 3
VARIANCE_FLOOR = 1e-12
RANK_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a season: ``harmonics`` of a period in steps, or a bin for each step of it where that is 0."""

    period: int
    harmonics: int

    @property
    def name(self) -> str:
        """Such as ``harm24`` or ``bins24``."""
        return f"{'harm' if self.harmonics else 'bins'}{self.period}"


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """The expected mean score of each channel by time.

    Attributes
    ----------
    terms: none for a constant.
    coefficient: shrunk; the first row is the intercept, (columns, C).
    freedom: degrees of freedom that the season took from each channel, at least 1, (C,).
    """

    terms: tuple[Term, ...]
    coefficient: Floats
    freedom: Floats

    @property
    def name(self) -> str:
        """Such as ``const``, ``harm24`` or ``bins24+harm168``."""
        return "+".join(term.name for term in self.terms) or "const"

    def at(self, times: Ints) -> Floats:
        """Return the expected mean scores, (steps, C)."""
        return predict(design(self.terms, times), self.coefficient)


def candidates(periods: Sequence[int], blocks: int) -> Iterator[tuple[Term, ...]]:
    """Yield the models to compare, the simplest first.

    Periods are in steps; one under 2 has no season, and a model needs enough cycles in the blocks.
    """
    yield ()
    usable = sorted({period for period in periods if period > 1})
    for period in usable:
        if blocks >= CYCLES_FOR_HARMONICS * period:
            yield (Term(period, SINGLE_HARMONICS),)
        if blocks >= CYCLES_FOR_BINS * period and BIN_PERIODS[0] <= period <= BIN_PERIODS[1]:
            yield (Term(period, 0),)
    if len(usable) > 1:
        first, second = usable[:2]
        if blocks >= CYCLES_FOR_HARMONICS * second:
            yield Term(first, SINGLE_HARMONICS), Term(second, SECOND_HARMONICS)
        if blocks >= CYCLES_FOR_BINS * second and first <= BIN_PERIODS[1]:
            yield Term(first, 0), Term(second, SECOND_HARMONICS)


def design(terms: Sequence[Term], times: Ints) -> Floats:
    """Return the design matrix with its intercept, (steps, columns)."""
    parts = [np.ones((len(times), 1))]
    parts += [_harmonics(term, times) if term.harmonics else _bins(term, times) for term in terms]
    return np.concatenate(parts, axis=1)


def _harmonics(term: Term, times: Ints) -> Floats:
    columns = []
    for order in range(1, min(term.harmonics, term.period // 2) + 1):
        angle = 2 * np.pi * order * (times % term.period) / term.period
        columns.append(np.cos(angle))
        if 2 * order < term.period:
            columns.append(np.sin(angle))
    return np.stack(columns, axis=1)


def _bins(term: Term, times: Ints) -> Floats:
    """Return columns that sum to zero over a cycle: the last bin is minus the sum of the others."""
    phase = (times % term.period)[:, np.newaxis]
    inner: Floats = (phase == np.arange(term.period - 1)).astype(np.float64) - (phase == term.period - 1)
    return inner


def predict(matrix: Floats, coefficient: Floats) -> Floats:
    """Return ``matrix @ coefficient`` summed in one fixed order.

    BLAS picks its order by the number of rows and threads; verdicts must not depend on either.
    """
    result: Floats = np.einsum("tk,kc->tc", matrix, coefficient)
    return result


def _solve(gram: Floats, moment: Floats) -> tuple[Floats, int]:
    """Return the least-squares coefficients of least norm, and the rank of the design."""
    value, vector = np.linalg.eigh(gram)
    kept = value > RANK_TOLERANCE * value[-1]
    inverse = np.einsum("ik,k,jk->ij", vector[:, kept], 1 / value[kept], vector[:, kept])
    return predict(inverse, moment), int(kept.sum())


def held_out_score(terms: Sequence[Term], times: Ints, mean: Floats) -> float:
    """Return the held-out squared error over the variance, capped a channel, averaged over channels.

    ``mean`` holds the blocks' mean scores, (B, C). Folds are contiguous: block i is in fold floor(4 i / B).
    """
    blocks = len(times)
    matrix, fold = design(terms, times), FOLDS * np.arange(blocks) // blocks
    grams = [np.einsum("tj,tk->jk", part, part) for part in (matrix[fold == index] for index in range(FOLDS))]
    moments = [np.einsum("tk,tc->kc", matrix[fold == index], mean[fold == index]) for index in range(FOLDS)]
    error = np.zeros(mean.shape[1])
    for index in range(FOLDS):
        rest = [other for other in range(FOLDS) if other != index]
        solution, _ = _solve(sum_of([grams[other] for other in rest]), sum_of([moments[other] for other in rest]))
        error += ((mean[fold == index] - predict(matrix[fold == index], solution)) ** 2).sum(axis=0)
    ratio = error / (blocks * (mean.var(axis=0) + VARIANCE_FLOOR))
    return float(np.minimum(ratio, WORST_SCORE).mean())


def sum_of(parts: Sequence[Floats]) -> Floats:
    """Return the sum of arrays of one shape, in their order."""
    total: Floats = np.stack(parts).sum(axis=0)
    return total


def choose(times: Ints, mean: Floats, periods: Sequence[int]) -> tuple[Term, ...]:
    """Return the terms of the model with the best held-out score; a richer one must win by 1 %."""
    best: tuple[Term, ...] = ()
    best_score = np.inf
    models = list(candidates(periods, len(times)))
    if len(models) == 1 or len(times) < FOLDS:
        return best
    for terms in models:
        score = held_out_score(terms, times, mean)
        if score < BETTER * best_score:
            best, best_score = terms, score
    return best


def fit(times: Ints, mean: Floats, rows: Floats, reference_mean: Floats, periods: Sequence[int]) -> Season:
    """Return the season of the reference.

    Parameters
    ----------
    times: of the blocks, in steps, (B,).
    mean: the blocks' mean scores, those of blocks without rows being the reference's, (B, C).
    rows: (B, C).
    reference_mean: over all rows, (C,).
    """
    terms = choose(times, mean, periods)
    matrix = design(terms, times)
    solution, rank = _solve(np.einsum("tj,tk->jk", matrix, matrix), np.einsum("tk,tc->kc", matrix, mean))
    if not terms or len(times) <= rank:
        return Season((), reference_mean[np.newaxis], np.ones(len(reference_mean)))
    fitted = predict(matrix, solution)
    constant = ((mean - mean.mean(axis=0)) ** 2).sum(axis=0)
    residual = ((mean - fitted) ** 2).sum(axis=0)
    explained = np.maximum((constant - residual) / (rank - 1), VARIANCE_FLOOR)
    shrink = np.maximum(0.0, 1 - np.maximum(residual / (len(times) - rank), VARIANCE_FLOOR) / explained)
    level = (rows * fitted).sum(axis=0) / rows.sum(axis=0)
    coefficient = shrink * solution
    coefficient[0] = shrink * solution[0] + reference_mean - shrink * level
    return Season(terms, coefficient, 1 + (rank - 1) * shrink**2)
