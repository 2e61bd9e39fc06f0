"""What ``check`` says can be found, against what the engine finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitor.calibration.channels import Feature
from monitor.calibration.cures import CURES, FIXED_RULES, GATHERING_REFERENCE, NO_REFERENCE, NO_TIMESTAMPS, cure
from monitor.calibration.detectable import LOCATION, MISSING, floors, main_floor, steps_to_find
from monitor.calibration.engine import Engine, Steps, compile_engine, start, step
from monitor.calibration.fitness import advice, fitness
from monitor.calibration.gates import Uncalibrated

BLOCKS, THRESHOLD = 120, 500.0


@pytest.fixture(scope="module")
def engine(world: Any) -> Engine:
    """Compile a calm reference of three columns with 1,000 rows a step."""
    here = world(rows=1000)
    return compile_engine(here.features, here.steps(BLOCKS), THRESHOLD, ())


def delay(engine: Engine, here: Any, shift: float, most: int) -> int | None:
    """Return after how many steps a shift of the first column pages; ``None`` if not within so many."""
    state = start(engine)
    for number in range(most):
        state, result = step(engine, state, BLOCKS + number, *here.counts(shift))
        if result.paged:
            return number + 1
    return None


@pytest.mark.parametrize("shift", [0.08, 0.1, 0.15, 0.3])
def test_a_drift_is_found_about_when_foretold(world: Any, engine: Engine, shift: float) -> None:
    """The median of five delays is the one foretold, to within a factor of two and one step."""
    floor = main_floor(engine, 0)
    assert floor is not None
    told = steps_to_find(engine, floor, shift)
    assert told is not None
    found = [delay(engine, world(rows=1000, seed=seed), shift, 5 * told + 5) or np.inf for seed in range(5)]
    assert told / 2 - 1 <= np.median(found) <= told * 2 + 1


def test_what_lies_under_the_floor_is_never_found(world: Any, engine: Engine) -> None:
    """Half of the floor pages neither by the formula nor within 400 steps."""
    floor = floors(engine, 0)[LOCATION]
    assert steps_to_find(engine, floor, floor.value) is None
    assert delay(engine, world(rows=1000, seed=9), floor.value / 2, 400) is None


def test_the_floor_is_tolerance_and_the_references_own_error(engine: Engine) -> None:
    """With 120,000 rows the error of a mean is small: the floor of a calm column is the tolerance and a hundredth."""
    floor = floors(engine, 0)[LOCATION]
    assert not floor.is_share
    assert 0.02 < floor.value < 0.035
    assert floors(engine, 0)[MISSING].is_share


def test_a_larger_tolerance_raises_the_floor_by_as_much(world: Any) -> None:
    """What a user calls too small to matter is no evidence."""
    here = world(rows=300)
    steps = here.steps(60)
    found = []
    for tolerance in (0.02, 0.3):
        features = [Feature("f0", "numeric", tolerance=tolerance), *here.features[1:]]
        floor = main_floor(compile_engine(features, steps, THRESHOLD, ()), 0)
        assert floor is not None
        found.append(floor.value)
    assert found[1] - found[0] == pytest.approx(0.28)


def test_a_larger_tolerance_keeps_a_drift_from_paging(world: Any) -> None:
    """A shift of 0.25 standard deviations pages at once by default, and never under a tolerance of 0.3."""
    here = world(rows=1000)
    steps, delays = here.steps(60), []
    for tolerance in (0.02, 0.3):
        features = [Feature("f0", "numeric", tolerance=tolerance), *here.features[1:]]
        delays.append(delay(compile_engine(features, steps, THRESHOLD, ()), world(rows=1000, seed=3), 0.25, 60))
    assert delays[0] is not None
    assert delays[1] is None


def test_a_calm_reference_needs_no_advice(world: Any) -> None:
    """Independent steps: each is worth one, and there is nothing to say."""
    here = world(rows=1000)
    steps = here.steps(BLOCKS)
    engine = compile_engine(here.features, steps, THRESHOLD, ())
    found = fitness(engine, steps)
    assert (found.steps, found.moved, found.kappa) == (BLOCKS, (), 1.0)
    assert found.spells > BLOCKS / 2
    assert list(advice(engine, found)) == []


def test_a_drift_within_the_reference_is_named(world: Any) -> None:
    """A column whose second half lies elsewhere is told by name, with how far it moved."""
    here = world(rows=1000)
    steps = here.steps(BLOCKS, lambda block: 0.5 * (block >= BLOCKS // 2))
    engine = compile_engine(here.features, steps, THRESHOLD, ())
    found = fitness(engine, steps)
    (moved,) = found.moved
    assert moved.feature == 0
    assert moved.effect == pytest.approx(0.5, abs=0.1)
    assert any("f0 moved between its halves" in line for line in advice(engine, found))


def test_a_steady_climb_within_the_reference_is_named(world: Any) -> None:
    """A column that drifts all the time, and never leaps, is told by name as well."""
    here = world(rows=1000)
    steps = here.steps(BLOCKS, lambda block: 2.0 * block / BLOCKS)
    found = fitness(compile_engine(here.features, steps, THRESHOLD, ()), steps)
    assert [moved.feature for moved in found.moved] == [0]


def test_small_steps_are_advised_against(world: Any) -> None:
    """Where a step holds some twenty rows, a longer one is advised."""
    here = world(rows=20)
    steps: Steps = here.steps(60)
    engine = compile_engine(here.features, steps, THRESHOLD, ())
    assert any("longer window.every" in line for line in advice(engine, fitness(engine, steps)))


def test_every_reason_has_a_cure() -> None:
    """Whatever is shown as ``calibration_why`` says what helps; a reason that is not known says nothing."""
    assert set(Uncalibrated) | {NO_TIMESTAMPS, NO_REFERENCE, FIXED_RULES, GATHERING_REFERENCE} == set(CURES)
    assert cure(None) is cure("of another version") is None
