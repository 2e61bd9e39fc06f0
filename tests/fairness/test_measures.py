"""Fairness measures against their definitions, and what leaves one without a value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.answers import binary, taken
from monitor.fairness.disparity import LEAST_ROWS, Disparity, Part, worst
from monitor.fairness.measure import Groups, Observed
from monitor.fairness.registry import MEASURES
from monitor.performance.metric import Undefined
from monitor.performance.pairs import UNKNOWN, ClassPairs

NAMES = ("a", "b", "c")


def observed(seed: int, rows: int = 1500) -> Observed:
    """Return answers of a model in three groups that it treats alike."""
    rng = np.random.default_rng(seed)
    return Observed(binary(rng, rows), Groups(NAMES, rng.integers(0, 3, rows)))


def computed(name: str, now: Observed, reference: Observed | None = None) -> Disparity:
    """Return what a measure says."""
    return MEASURES[name].compute(now, reference if reference is not None else observed(99))


def at_places(now: Observed, places: NDArray[np.intp]) -> Observed:
    """Return the rows at some places."""
    pairs = taken(now.pairs, places)
    assert isinstance(pairs, ClassPairs)
    return Observed(pairs, Groups(NAMES, now.groups.places[places]))


def spread(values: list[float]) -> float:
    """Return the largest difference."""
    return max(values) - min(values)


def by_hand(name: str, now: Observed) -> float:
    """Return the worst difference by definition."""
    t, p, s = now.pairs.targets, now.pairs.predictions, now.pairs.scores
    assert p is not None
    assert s is not None
    groups = [now.groups.places == place for place in range(3)]
    odds = [spread([float(p[g & (t == side)].mean()) for g in groups]) for side in (0, 1)]
    told = {
        "demographic_parity": spread([float(p[g].mean()) for g in groups]),
        "equal_opportunity": odds[1],
        "equalised_odds": max(odds),
        "predictive_parity": spread([float(t[g & (p == 1)].mean()) for g in groups]),
        "calibration_by_group": spread([float(t[g].mean() - s[g].mean()) for g in groups]),
    }
    return told[name]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(MEASURES.keys() - {"score_drift_by_group"}))
def test_a_measure_is_its_definition(name: str, seed: int) -> None:
    """The value is the worst difference between groups, as fairlearn defines it where it has the measure."""
    now = observed(seed)
    assert computed(name, now).value == pytest.approx(by_hand(name, now), abs=1e-12)


def test_score_drift_is_the_difference_of_shifts() -> None:
    """Where one group's scores fall by a tenth and the others' stay, the shifts differ by a tenth."""
    before = observed(0)
    assert before.pairs.scores is not None
    fallen = before.pairs.scores - 0.1 * (before.groups.places == 1)
    now = replace(before, pairs=replace(before.pairs, scores=fallen))
    found = computed("score_drift_by_group", now, before)
    assert found.value == pytest.approx(0.1)
    assert found.lowest == "b"
    assert found.lower is not None
    assert found.lower > 0


def test_the_worst_groups_are_named() -> None:
    """The groups with the largest and the smallest value stand beside the difference."""
    found = worst([Part("low", 0.1, 100), Part("mid", 0.3, 100), Part("high", 0.6, 100)])
    assert (found.value, found.highest, found.lowest) == (0.5, "high", "low")


def test_two_groups_have_newcombes_interval() -> None:
    """56 of 70 against 48 of 80: 0.2 (0.0524, 0.3339), as Newcombe (1998) printed for method 10."""
    found = worst([Part("a", 56 / 70, 70), Part("b", 48 / 80, 80)])
    assert found.lower == pytest.approx(0.0524, abs=5e-5)
    assert found.upper == pytest.approx(0.3339, abs=5e-5)


def test_more_groups_make_the_interval_wider() -> None:
    """The more pairs could be the worst by chance, the less is said of the worst one."""
    two = worst([Part("a", 0.6, 100), Part("b", 0.4, 100)])
    ten = worst([Part("a", 0.6, 100), Part("b", 0.4, 100), *[Part(f"g{n}", 0.5, 100) for n in range(8)]])
    assert two.value == ten.value
    assert two.lower is not None
    assert ten.lower is not None
    assert ten.lower < two.lower


def test_a_group_of_three_rows_is_left_out() -> None:
    """A group under the least count decides nothing, and is named."""
    found = worst([Part("a", 0.5, 100), Part("b", 0.4, 100), Part("three", 1.0, 3)])
    assert found.value == pytest.approx(0.1)
    assert found.left_out == ("three",)
    assert "three" not in found.groups


@pytest.mark.parametrize(
    ("parts", "why"),
    [([Part("a", 0.5, 100), Part("b", 0.4, LEAST_ROWS - 1)], Undefined.ONE_GROUP), ([], Undefined.TOO_FEW_ROWS)],
)
def test_one_group_differs_from_none(parts: list[Part], why: Undefined) -> None:
    """With fewer than two groups of enough rows there is no difference, and it says why."""
    assert worst(parts).value is None
    assert worst(parts).why is why


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_what_is_not_logged_has_no_value(name: str) -> None:
    """A measure whose predictions or scores nobody logs has no value, for a reason that it announced."""
    now = observed(0)
    found = computed(name, replace(now, pairs=replace(now.pairs, predictions=None, scores=None)))
    assert found.value is None
    assert found.why in MEASURES[name].undefined


def test_drift_without_a_reference_has_no_value() -> None:
    """There is no shift from nothing."""
    assert MEASURES["score_drift_by_group"].compute(observed(0), None).why is Undefined.NO_REFERENCE


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_rows_without_a_group_do_not_enter(name: str) -> None:
    """A row whose group is unknown changes nothing."""
    now = observed(1)
    some = np.arange(1500) % 5 > 0
    unknown = replace(now, groups=Groups(NAMES, np.where(some, now.groups.places, UNKNOWN)))
    fewer = at_places(now, np.flatnonzero(some))
    assert computed(name, unknown) == computed(name, fewer)


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    """The same rows in another order give the same answer, to the last bit."""
    now, order = observed(2), np.random.default_rng(0).permutation(1500)
    assert computed(name, now) == computed(name, at_places(now, order))


@pytest.mark.parametrize(("groups", "rows", "share"), [(3, 133, 0.4), (8, 133, 0.4), (3, 2000, 0.02)])
def test_groups_treated_alike_are_seldom_called_unlike(groups: int, rows: int, share: float) -> None:
    """Where groups do not differ, the lower end is above zero in 5 % of windows at most."""
    drawn = np.random.default_rng(0).binomial(rows, share, (1500, groups)) / rows
    ends = [worst([Part(str(at), value, rows) for at, value in enumerate(row)]).lower for row in drawn]
    assert np.mean([end is not None and end > 0 for end in ends]) <= 0.05


def test_a_true_difference_lies_in_the_interval() -> None:
    """Shares of 0.3, 0.5 and 0.6 differ by 0.3 at worst: the interval holds it in 95 % of windows at least."""
    rng = np.random.default_rng(0)
    drawn = rng.binomial(200, [0.3, 0.5, 0.6], (400, 3)) / 200
    found = [worst([Part(name, share, 200) for name, share in zip(NAMES, row, strict=True)]) for row in drawn]
    held = [(one.lower or 0) <= 0.3 <= (one.upper or 0) for one in found]
    assert np.mean(held) >= 0.95


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measure_is_documented(name: str) -> None:
    """A measure has a line on the page of measures, which says what it is, its direction, interval and source."""
    page, measure = Path(__file__).parents[2] / "docs" / "reference" / "fairness-measures.md", MEASURES[name]
    (row,) = [line for line in page.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`")]
    assert measure.about.endswith(".")
    for told in (measure.about, measure.direction, measure.interval, measure.source):
        assert told
        assert f"| {told} |" in row
