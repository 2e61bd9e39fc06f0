from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitor.comparison import DriftSettings
from monitor.profile import Profile, profile_rows
from monitor.quality.check import Expectation, Seen
from monitor.quality.ranking import AsRanked, expect_ranking
from monitor.quality.sizes import sizes_of
from monitor.record_layout import ColumnsSettings
from monitor.reference import Reference, ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.worlds import HOUR

NAMES = ("amount", "income", "age", "tenure")
WEIGHTS = (3.0, 2.0, 1.9, 0.5)
ROWS, STEPS = 100, 60
LEVEL = 1e-5


def drawn(seed: int, rows: int = ROWS, weights: Sequence[float] = WEIGHTS) -> pa.Table:
    """Return attributions of rows; the second and the third column weigh nearly the same."""
    values = np.random.default_rng(seed).normal(size=(rows, len(weights))) * np.array(weights)
    return pa.table({f"shap.{name}": column for name, column in zip(NAMES, values.T, strict=True)})


@cache
def reference(*, timed: bool = True, steps: int = STEPS) -> Reference:
    """Return hours in which nothing moves."""
    times = np.arange(steps * ROWS, dtype=np.int64) * (HOUR // ROWS)
    table = drawn(0, steps * ROWS)
    table = table.append_column("inputs.x", pa.array(np.random.default_rng(1).normal(size=len(times))))
    columns = ColumnsSettings(attributions="shap.*")
    plan = ReferencePlan("regression", columns, WindowSettings(min_rows=30), DriftSettings())
    return compile_reference(table, times if timed else None, plan)


def profiled(table: pa.Table) -> Profile:
    """Return a window of such rows."""
    known = table.append_column("x", pa.array(np.zeros(table.num_rows)))
    return profile_rows(known, reference().binning, np.zeros(table.num_rows, np.intp), 1)[0]


def expected() -> Expectation:
    """Return what is expected of the ranking."""
    ((_, found),) = expect_ranking(reference())
    assert isinstance(found, Expectation)
    return found


def is_broken(table: pa.Table) -> bool:
    """Say whether a window's ranking is a violation."""
    held = expected()
    return held.allowed.is_broken(held.count(profiled(table)), LEVEL)


def test_columns_of_like_weight_may_change_places() -> None:
    """In 150 windows that are drawn as the reference is none is a violation, though two columns rank by luck."""
    held = expected()
    seen = [held.count(profiled(drawn(seed))) for seed in range(1, 151)]
    assert max(each.bad for each in seen) > 0
    assert not any(held.allowed.is_broken(each, LEVEL) for each in seen)


def test_another_ranking_is_a_violation() -> None:
    """Where the column that decided most decides least it is told in one window."""
    assert is_broken(drawn(7, weights=(0.5, 2.0, 1.9, 3.0)))


def test_sizes_are_those_of_the_values() -> None:
    """The mean size of an attribution is within 1 % of that of its values, though only cells were counted."""
    table, sizes = drawn(3, 1000, (30.0, 2.0, 1.9, 0.5)), sizes_of(reference())
    assert sizes is not None
    found = sizes.of_cells([profiled(table).counts[span] for span in sizes.spans])
    exact = [np.abs(table[f"shap.{name}"].to_numpy()).mean() for name in NAMES]
    assert found[1:] == pytest.approx(exact[1:], rel=0.01)
    assert found[0] == pytest.approx(exact[0], rel=0.5)  # far beyond the reference cells are wide


def test_a_window_without_attributions_says_nothing() -> None:
    """Where a column has no value nothing is counted, so that nothing is broken."""
    gone = drawn(5).set_column(0, "shap.amount", pa.nulls(ROWS, pa.float64()))
    assert expected().count(profiled(gone)) == Seen(0, 0)


def test_a_window_in_which_nothing_decides_is_a_violation() -> None:
    """All attributions at zero rank nothing: ties stand as they are worst."""
    assert is_broken(drawn(5, weights=(0.0, 0.0, 0.0, 0.0)))


@pytest.mark.parametrize(("how", "why"), [({"timed": False}, "no_timestamps"), ({"steps": 10}, "reference_too_short")])
def test_what_cannot_be_told_has_a_reason(how: dict[str, Any], why: str) -> None:
    """Without steps, or with few, how much rankings vary is not known."""
    ((_, found),) = expect_ranking(reference(**how))
    assert found == why


def test_the_bound_is_an_interval_for_one_more_step() -> None:
    """The least NDCG is that of a t interval for one more step, if that is what allows most.

    Of 25 steps with mean 0.02 and deviation 0.005, at 2.5 %: t(24) = 2.0639, so 1 - 0.02 - 2.0639 0.005 sqrt(1.04).
    """
    found = AsRanked(0.02, 0.005, 25, 0.01).bounds(1, 0.025).lower
    assert found == pytest.approx(1 - 0.02 - 2.0639 * 0.005 * np.sqrt(1.04), abs=1e-6)
