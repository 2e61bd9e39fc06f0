from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.calibration.channels import Feature
from monitor.calibration.engine import (
    Engine,
    Steps,
    compile_engine,
    effects,
    feature_evidence,
    from_bytes,
    restart,
    start,
    step,
    strongest,
    to_bytes,
)

BLOCKS = 60


@pytest.fixture(scope="module")
def engine(world: Any) -> Engine:
    """Compile a reference of three columns."""
    here = world()
    return compile_engine(here.features, here.steps(BLOCKS), 100.0, ())


def test_the_same_reference_gives_the_same_bits(world: Any, engine: Engine) -> None:
    """Compiling twice gives the same engine: same digest, same evidence."""
    here = world()
    again = compile_engine(here.features, here.steps(BLOCKS), 100.0, ())
    counts, missing = here.counts()
    one, _ = step(engine, start(engine), BLOCKS, counts, missing)
    two, _ = step(again, start(again), BLOCKS, counts, missing)
    assert engine.digest == again.digest
    assert to_bytes(engine, one) == to_bytes(again, two)


def test_a_step_changes_no_state(world: Any, engine: Engine) -> None:
    """A step returns a new state and leaves the old one as it was."""
    counts, missing = world(seed=1).counts()
    state = start(engine)
    step(engine, state, BLOCKS, counts, missing)
    assert to_bytes(engine, state) == to_bytes(engine, start(engine))


def test_a_stored_state_comes_back_bit_for_bit(world: Any, engine: Engine) -> None:
    """Going on from stored bytes gives the bits of going on without them."""
    here, state = world(seed=2), start(engine)
    for index in range(5):
        state, _ = step(engine, state, BLOCKS + index, *here.counts())
    loaded = from_bytes(engine, to_bytes(engine, state))
    assert loaded is not None
    counts, missing = here.counts()
    on = step(engine, state, BLOCKS + 5, counts, missing)
    back = step(engine, loaded, BLOCKS + 5, counts, missing)
    assert to_bytes(engine, on[0]) == to_bytes(engine, back[0])
    assert on[1] == back[1]


def test_a_state_of_another_reference_is_not_taken(world: Any, engine: Engine) -> None:
    """Evidence against one reference is none against another."""
    other = world(seed=9)
    compiled = compile_engine(other.features, other.steps(BLOCKS), 100.0, ())
    assert from_bytes(engine, to_bytes(compiled, start(compiled))) is None


def test_a_cut_state_is_not_taken(engine: Engine) -> None:
    """Damaged bytes are told from a state."""
    assert from_bytes(engine, to_bytes(engine, start(engine))[:-1]) is None


def test_a_step_without_rows_proves_nothing(world: Any, engine: Engine) -> None:
    """An empty step says nothing of any feature, and evidence fades."""
    state, _ = step(engine, start(engine), BLOCKS, *world(seed=1).counts(1.0))
    empty = [np.zeros(size, dtype=np.int64) for size in engine.sizes], np.zeros(3, dtype=np.int64)
    following, result = step(engine, state, BLOCKS + 1, *empty)
    assert result.effects == (None, None, None)
    assert result.evidence < feature_evidence(engine, state).sum()
    assert (following.evidence <= 1 + state.evidence).all()


def test_the_shares_say_where_the_drift_is(world: Any, engine: Engine) -> None:
    """The shifted column holds nearly all evidence; shares sum to 1."""
    here, state = world(seed=3), start(engine)
    for index in range(3):
        state, result = step(engine, state, BLOCKS + index, *here.counts(1.0))
    assert sum(result.shares) == pytest.approx(1)
    assert result.shares[0] > 0.99


def test_the_effect_is_the_shift(world: Any, engine: Engine) -> None:
    """The interval of the strongest channel holds a shift of half a standard deviation; the others are tolerated."""
    here = world(rows=20_000, seed=4)
    _, result = step(engine, start(engine), BLOCKS, *here.counts(0.5))
    first, *others = result.effects
    assert first is not None
    assert (first.channel, first.unit) == ("location", 1.0)
    assert first.lower < 0.5 < first.upper
    assert not first.tolerated
    assert all(effect is not None and effect.tolerated for effect in others)


def test_effects_are_told_in_the_channel_that_paged(world: Any, engine: Engine) -> None:
    """While an alert fires, a step is judged in the channel where the kept state holds most evidence."""
    here = world(rows=20_000, seed=4)
    state, _ = step(engine, start(engine), BLOCKS, *here.counts(0.5))
    found = effects(engine, state, BLOCKS + 1, *here.counts(0.0))
    assert found[0] is not None
    assert found[0].channel == "location"
    assert found[0].tolerated


def test_the_beginning_of_a_drift_is_found(world: Any, engine: Engine) -> None:
    """The drift is dated to the step it began at, give or take two."""
    here, state = world(seed=5), start(engine)
    for index in range(40):
        state, result = step(engine, state, BLOCKS + index, *here.counts(0.4 if index >= 30 else 0.0))
    assert result.began[0] is not None
    assert abs(result.began[0] - (BLOCKS + 30)) <= 2


def test_little_evidence_has_no_beginning(world: Any, engine: Engine) -> None:
    """A column whose evidence is at most 1 is not said to drift since any time."""
    _, result = step(engine, start(engine), BLOCKS, *world(seed=5).counts())
    assert result.began == (None, None, None)


def test_the_threshold_of_a_step_may_be_another(world: Any, engine: Engine) -> None:
    """A caller that shares its budget over versions gives the threshold itself."""
    counts, missing = world(seed=6).counts()
    state, result = step(engine, start(engine), BLOCKS, counts, missing, threshold=1e-9)
    assert result.paged
    assert result.threshold == 1e-9
    assert not step(engine, start(engine), BLOCKS, counts, missing)[1].paged
    assert state.evidence.any()


def test_restarting_forgets_all_evidence(world: Any, engine: Engine) -> None:
    """After an alert resolved the engine is as at the start."""
    state, _ = step(engine, start(engine), BLOCKS, *world(seed=6).counts(2.0))
    assert to_bytes(engine, restart(state)) == to_bytes(engine, start(engine))


def test_gaps_in_time_move_no_season(world: Any) -> None:
    """The season is by time, not by count of blocks: a reference with every third step left out keeps its phase."""
    here = world(rows=2000)
    steps = here.steps(150, lambda block: 0.3 * np.sin(2 * np.pi * block / 6))
    kept = np.flatnonzero(np.arange(150) % 3 != 1)
    gapped = Steps(kept, tuple(counts[kept] for counts in steps.counts), steps.missing[kept])
    compiled = compile_engine(here.features, gapped, 100.0, (6,))
    location = compiled.null.channels.names.index("location")
    truth = 0.3 * np.sin(2 * np.pi * np.arange(200, 206) / 6)
    np.testing.assert_allclose(compiled.null.season.at(np.arange(200, 206))[:, location], truth, atol=0.05)


def test_a_feature_without_values_has_only_its_missing_rows_watched() -> None:
    """A column that is all missing, or constant, neither crashes nor hides the others."""
    rng = np.random.default_rng(0)
    steps = Steps(
        np.arange(BLOCKS),
        (np.zeros((BLOCKS, 5), np.int64), np.full((BLOCKS, 1), 80), rng.multinomial(80, [0.5, 0.3, 0.2], size=BLOCKS)),
        np.array([[80, 0, 0]] * BLOCKS),
    )
    features = [Feature("void", "numeric"), Feature("constant", "numeric"), Feature("plan", "category")]
    compiled = compile_engine(features, steps, 100.0, ())
    names = compiled.null.channels.names
    assert [name for name, of in zip(names, compiled.null.channels.feature, strict=True) if of < 2] == ["missing"] * 2


@pytest.mark.parametrize(
    "broken",
    [
        lambda steps: replace(steps, counts=steps.counts[1:]),
        lambda steps: replace(steps, times=steps.times[::-1]),
        lambda steps: replace(steps, missing=steps.missing[1:]),
        lambda steps: replace(steps, counts=tuple(counts[:, :0] for counts in steps.counts)),
        lambda steps: replace(steps, counts=tuple(counts * 0 for counts in steps.counts), missing=steps.missing * 0),
    ],
)
def test_what_is_no_reference_is_refused(world: Any, broken: Any) -> None:
    """Arrays that do not fit each other, times that do not rise, and no rows at all are the caller's mistake."""
    here = world()
    with pytest.raises(ValueError, match=r"counts|times|row"):
        compile_engine(here.features, broken(here.steps(20)), 100.0, ())


COUNTS = st.integers(1, 60).flatmap(
    lambda blocks: st.tuples(
        st.just(blocks),
        st.lists(
            st.tuples(
                st.sampled_from(["numeric", "category"]),
                st.integers(1, 5).flatmap(
                    lambda bins: arrays(
                        np.int64, (blocks + 1, bins), elements=st.sampled_from([0, 0, 1, 3, 40, 100_000])
                    )
                ),
                arrays(np.int64, (blocks + 1,), elements=st.sampled_from([0, 1, 50])),
            ),
            min_size=1,
            max_size=3,
        ),
    )
)


@given(COUNTS)
def test_no_reference_breaks_the_engine(drawn: Any) -> None:
    """Whatever the counts, evidence is a finite number of at least 0."""
    blocks, columns = drawn
    columns[0][2][0] = 7  # at least one row
    features = [Feature(f"f{index}", kind) for index, (kind, _, _) in enumerate(columns)]
    missing = np.stack([without for _, _, without in columns], axis=1)
    steps = Steps(np.arange(blocks), tuple(counts[:-1] for _, counts, _ in columns), missing[:-1])
    compiled = compile_engine(features, steps, 50.0, (3, 6))
    _, result = step(compiled, start(compiled), blocks, [counts[-1] for _, counts, _ in columns], missing[-1])
    assert 0 <= result.evidence < np.inf


def test_the_first_of_equals_is_strongest() -> None:
    """Without any evidence a feature is told in its first channel."""
    assert strongest(np.array([0, 0, 1]), np.zeros(3)).tolist() == [0, 2]


def test_the_interval_of_an_effect_holds_nothing_where_nothing_drifts(world: Any, engine: Engine) -> None:
    """Of 200 small steps without drift at most 5 % have an interval that leaves out zero."""
    here, outside = world(rows=40, seed=7), 0
    for index in range(200):
        found = effects(engine, start(engine), BLOCKS + index, *here.counts())
        outside += sum(effect is None or not effect.lower <= 0 <= effect.upper for effect in found)
    assert outside <= 0.05 * 200 * 3


def test_few_rows_tell_an_effect_less_well(world: Any, engine: Engine) -> None:
    """Beyond the margin, the interval holds the noise of a step's rows and its wobble: 1.96 sqrt(1/n + tau²)."""
    few, many = (
        effects(engine, start(engine), BLOCKS, *world(rows=rows, seed=8).counts())[0] for rows in (100, 10_000)
    )
    assert few is not None
    assert many is not None
    margin = float(engine.null.inflation.margin[0])
    wide, narrow = ((effect.upper - effect.lower) / 2 - margin for effect in (few, many))
    assert wide**2 - narrow**2 == pytest.approx(1.96**2 * (1 / 97 - 1 / 9700), rel=0.1)
    assert narrow**2 == pytest.approx(1.96**2 * (1 / 9700 + engine.null.wobble.variance[0]), rel=0.1)
