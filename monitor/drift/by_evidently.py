"""Evidently's tests by name, ``evidently:psi``: what each is for, and how a rule on it reads.

They are not of :data:`monitor.drift.METHODS`: each needs the values themselves, in Evidently's own code and process
(``monitor.workers.evidently_tests``), so that it is a rule on two sides of values and has no part in any promise.

The distance of a test that yields a p-value is -log10 p: 2 is one in a hundred. So for every rule a column is drifted
exactly when its distance is at or over its threshold, as Evidently says it is.

>>> distance_of(TESTS["evidently:ks"], 0.001), threshold_of(TESTS["evidently:ks"], 0.01)
(3.0, 2.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitor.comparison import EVIDENTLYS, ColumnDriftSettings
from monitor.record import Kind

PREFIX = EVIDENTLYS
_NUMBERS = frozenset({Kind.NUMERIC})
_LEVELS = frozenset({Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT})
_TEXTS = frozenset({Kind.TEXT})
_FURTHEST = 400.0
"""-log10 of a p-value that is 0: the least positive double has 323.3."""


@dataclass(frozen=True, slots=True)
class EvidentlyTest:
    """One of Evidently's tests.

    Attributes
    ----------
    name: as in a config. ``kinds``: the kinds of column it takes.
    yields_p_value: whether it yields a p-value. ``by_level``: whether its rule is a level, ``p_value``.
    strict: whether a score that equals its bound is no drift yet.
    native: the method that is the like of it where windows are judged; ``None``: there is none.
    about: what it is, in words.
    """

    name: str
    kinds: frozenset[Kind]
    yields_p_value: bool
    by_level: bool
    strict: bool
    native: str | None
    about: str

    @property
    def rule(self) -> str:
        """Return the key that sets its rule."""
        return "p_value" if self.by_level else "threshold"


def _p_value(
    name: str, kinds: frozenset[Kind], native: str | None, about: str, *, strict: bool = True
) -> EvidentlyTest:
    return EvidentlyTest(PREFIX + name, kinds, True, True, strict, native, about)  # noqa: FBT003 - a row of a table


def _distance(
    name: str, kinds: frozenset[Kind], native: str | None, about: str, *, strict: bool = False
) -> EvidentlyTest:
    return EvidentlyTest(PREFIX + name, kinds, False, False, strict, native, about)  # noqa: FBT003 - as above


TESTS: dict[str, EvidentlyTest] = {
    test.name: test
    for test in (
        _distance("abs_text_content_drift", _TEXTS, None, "ROC AUC of a classifier that tells the sides", strict=True),
        _p_value("anderson", _NUMBERS, "anderson_darling", "Anderson-Darling"),
        _p_value("chisquare", _LEVELS, "chi_squared", "chi-squared, the reference taken as exact"),
        _p_value("cramer_von_mises", _NUMBERS, "cramer_von_mises", "Cramér-von Mises", strict=False),
        _distance("ed", _NUMBERS, "energy", "energy distance, in the column's own unit", strict=True),
        _p_value(
            "empirical_mmd", _NUMBERS, None, "maximum mean discrepancy by 100 permutations; memory by rows squared"
        ),
        _p_value("es", _NUMBERS, None, "Epps-Singleton: the characteristic functions"),
        _p_value(
            "fisher_exact",
            _LEVELS,
            "two_proportion_z",
            "Fisher's exact test, of two levels and two files of equal length",
        ),
        _p_value("g_test", _LEVELS, "g_test", "the likelihood ratio of tables, of two files of equal length"),
        _distance("hellinger", _NUMBERS | _LEVELS, "hellinger", "Hellinger distance of shares by bin"),
        _distance("jensenshannon", _NUMBERS | _LEVELS, "jensen_shannon", "Jensen-Shannon distance of shares by bin"),
        _distance("kl_div", _NUMBERS | _LEVELS, "kullback_leibler", "Kullback-Leibler divergence of shares by bin"),
        _p_value("ks", _NUMBERS, "kolmogorov_smirnov", "Kolmogorov-Smirnov", strict=False),
        _p_value("mannw", _NUMBERS, "mann_whitney", "Mann-Whitney, one-sided: sees a rise alone"),
        EvidentlyTest(
            f"{PREFIX}perc_text_content_drift",
            _TEXTS,
            yields_p_value=False,
            by_level=True,
            strict=True,
            native=None,
            about="ROC AUC of a classifier that tells the sides, against classifiers that guess",
        ),
        _distance("psi", _NUMBERS | _LEVELS, "population_stability", "population stability index"),
        _p_value("t_test", _NUMBERS, "welch_t", "the t test of two means"),
        _p_value("TVD", _LEVELS, "total_variation", "total variation by 1,000 permutations"),
        _distance("wasserstein", _NUMBERS, "wasserstein", "Wasserstein distance in standard deviations"),
        _p_value("z", _LEVELS, "two_proportion_z", "the z test of two proportions, of two levels"),
    )
}
"""All of Evidently 0.7.23, by name."""


@dataclass(frozen=True, slots=True)
class EvidentlyRule:
    """A test and the bound that is drift, as the config gives it."""

    test: EvidentlyTest
    bound: float

    @property
    def level(self) -> float:
        """Return the bound as Evidently takes it: of a text's percentile the share that guess worse."""
        return 1 - self.bound if self.test.by_level and not self.test.yields_p_value else self.bound


def rule_in(own: ColumnDriftSettings) -> EvidentlyRule | None:
    """Return the rule on one of Evidently's tests that a column has; ``None`` where it has another, or none."""
    test = TESTS.get(own.method or "")
    bound = None if test is None else own.p_value if test.by_level else own.threshold
    return None if test is None or bound is None else EvidentlyRule(test, bound)


def is_evidentlys(method: str | None) -> bool:
    """Say whether a method's name is meant as one of Evidently's."""
    return method is not None and method.startswith(PREFIX)


def distance_of(test: EvidentlyTest, score: float) -> float:
    """Return a score as a distance, which grows with the drift."""
    if not test.yields_p_value:
        return score
    return 0.0 - math.log10(score) if score > 0 else _FURTHEST


def threshold_of(test: EvidentlyTest, bound: float) -> float:
    """Return the least distance that is drift.

    Parameters
    ----------
    bound: in units of the score.
    """
    threshold = distance_of(test, bound)
    return math.nextafter(threshold, math.inf) if test.strict else threshold
