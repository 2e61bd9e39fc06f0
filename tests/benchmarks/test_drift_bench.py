"""The drift bench: its streams are what they say, it counts as production counts, and its rates are right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.drift.count import compiled, engine_of
from benchmarks.drift.faults import KINDS, SIZES, Fault, inject, target_of
from benchmarks.drift.figures import NOT_FOUND, median_delay, rate
from benchmarks.drift.judged import engine_name, read
from benchmarks.drift.page import PAGE, rendered
from benchmarks.drift.real import Shuffled, from_table
from benchmarks.drift.referee import referee_of
from benchmarks.drift.sheet import Sheet
from benchmarks.drift.streams import nulls, searches
from benchmarks.drift.worlds import Simulation, World, wobble
from monitor.calibration.engine import restart, start, step

SMALL = World("small", rows=100, reference=60, wobble=0.1, phi=0.7)


@pytest.fixture(scope="module")
def history() -> tuple[Sheet, Sheet]:
    """Give a reference and the steps after it."""
    simulation = Simulation(SMALL, 3)
    return simulation.steps(SMALL.reference), simulation.steps(30)


@pytest.mark.parametrize(("phi", "heavy"), [(0.7, False), (0.95, False), (0.7, True)])
def test_a_wobble_has_its_coefficient(phi: float, heavy: bool) -> None:
    """The wobble's autocorrelation is phi, and its standard deviation the one that was asked for."""
    world = World("w", columns=20, wobble=0.1, phi=phi, heavy=heavy)
    path = wobble(Simulation(world, 1), 20_000)
    found = np.mean([np.corrcoef(column[:-1], column[1:])[0, 1] for column in path.T])
    assert found == pytest.approx(phi, abs=0.02)
    assert path.std() == pytest.approx(0.1, rel=0.1)


def test_a_history_goes_on_where_it_ended() -> None:
    """The steps of a season follow each other across calls: noon after noon is a day apart."""
    world = World("s", columns=1, rows=2000, season=0.5)
    simulation = Simulation(world, 2)
    values = [simulation.steps(number).columns["f0"].reshape(-1, 2000).mean(axis=1) for number in (100, 236)]
    mean = np.concatenate(values)
    assert np.corrcoef(mean[:168], mean[168:])[0, 1] > 0.95


def test_rows_are_counted_as_production_counts(history: tuple[Sheet, Sheet]) -> None:
    """The bench's counts are those of the profiles that a daemon makes of the same rows."""
    reference, after = history
    counter = compiled(reference)
    counts, missing = counter.count(reference)
    steps = counter.reference.steps
    assert steps is not None
    assert all(np.array_equal(ours, steps.counts[one.place]) for ours, one in zip(counts, counter.bins, strict=True))
    assert np.array_equal(missing, steps.missing[:, [one.place for one in counter.bins]])
    fresh = inject(after, reference, Fault("new level", 1.0, "f16"), np.random.default_rng(0))
    one = next(one for one in counter.bins if one.name == "f16")
    assert counter.count(fresh)[0][counter.bins.index(one)][:, one.size - 1].sum() > 0


def test_a_referee_sees_what_the_engine_sees(history: tuple[Sheet, Sheet]) -> None:
    """Steps judged many at once page where the engine's own step pages, with the same evidence."""
    reference, after = history
    shifted = inject(after, reference, Fault("location", 1.5, "f0"), np.random.default_rng(0))
    referee = referee_of(reference, 50.0, ())
    referee.watch(shifted)
    counter = compiled(reference)
    engine = engine_of(counter, 50.0, ())
    counts, missing = counter.count(shifted)
    state, pages = start(engine), []
    for at in range(shifted.steps):
        state, result = step(engine, state, reference.steps + at, [count[at] for count in counts], missing[at])
        if result.paged:
            pages.append(reference.steps + at)
            state = restart(state)
    assert pages
    assert referee.pages == pages
    np.testing.assert_allclose(referee.evidence, state.evidence, rtol=1e-9)


def _share(where: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> float:
    return float(where(values).mean())


@pytest.mark.parametrize(
    ("fault", "changed", "share"),
    [
        (Fault("missing", 0.2, "f0"), np.isnan, 0.2),
        (Fault("missing surge", 1.0, "f0"), np.isnan, 4 / 30),
        (Fault("outliers", 0.05, "f0"), lambda x: np.abs(x - 3) > 6, 0.05),
        (Fault("clip", 0.0, "f0"), lambda x: x == x.max(), 0.5),
        (Fault("stuck", 0.5, "f0"), lambda x: x == np.median(x), 0.5),
    ],
)
def test_a_fault_changes_its_share(
    history: tuple[Sheet, Sheet], fault: Fault, changed: Callable[[np.ndarray], np.ndarray], share: float
) -> None:
    """A fault changes as many rows as its size says."""
    reference, after = history
    values = inject(after, reference, fault, np.random.default_rng(1)).columns["f0"]
    assert _share(changed, values) == pytest.approx(share, abs=0.04)


def test_a_relabelled_half_moves_to_the_second_level(history: tuple[Sheet, Sheet]) -> None:
    """Half of the rows of the most frequent level become the second, and no other row changes."""
    reference, after = history
    first, second = target_of(reference, "f16").order[:2]
    before = after.columns["f16"]
    values = inject(after, reference, Fault("relabel", 0.5, "f16"), np.random.default_rng(1)).columns["f16"]
    moved = values != before
    assert set(before[moved]) == {first}
    assert set(values[moved]) == {second}
    assert moved.sum() / (before == first).sum() == pytest.approx(0.5, abs=0.05)


def test_a_correlation_changes_no_column_by_itself(history: tuple[Sheet, Sheet]) -> None:
    """Within each step the values are the same ones, in an order that follows another column."""
    reference, after = history
    values = inject(after, reference, Fault("correlation", 0.9, "f0"), np.random.default_rng(1)).columns["f0"]
    assert np.array_equal(np.sort(values.reshape(30, -1)), np.sort(after.columns["f0"].reshape(30, -1)))
    other = np.nan_to_num(after.columns["f1"], nan=3.0)
    assert np.corrcoef(values, other)[0, 1] > 0.6


def test_every_kind_has_three_sizes() -> None:
    """Each kind of drift that is run at three sizes is one that can be made."""
    assert set(SIZES) < set(KINDS)
    assert len(SIZES) == 13


def test_shuffling_keeps_units_whole() -> None:
    """A unit's parts stay together in order, and no unit of the reference comes again in the stream."""
    unit = np.repeat(np.arange(20), 6)
    table = pa.table(
        {"unit": unit, "part": np.tile([0, 0, 1, 1, 2, 2], 20), "x": unit * 10 + np.tile([0, 0, 1, 1, 2, 2], 20)}
    )
    shuffled = Shuffled(from_table("t", table), 1)
    reference, stream = shuffled.reference(), shuffled.steps(36)
    assert (reference.steps, stream.steps, shuffled.left) == (24, 36, 36)
    units = [set((sheet.columns["x"] // 10).tolist()) for sheet in (reference, stream)]
    assert units[0] | units[1] == set(range(20))
    assert not units[0] & units[1]
    assert np.array_equal(stream.columns["x"] % 10, np.tile([0, 0, 1, 1, 2, 2], 12))


def test_a_rate_by_hand() -> None:
    """Two pages in 120,948 steps are 0.14 per 8,640, from 0.02 to 0.52 (statistics' exact Poisson tables)."""
    found = rate(2, 120_948, 8640)
    assert (round(found.per_budget, 2), round(found.lower, 2), round(found.upper, 2)) == (0.14, 0.02, 0.52)


def test_what_is_not_found_is_no_short_delay() -> None:
    """A fault found in one of two streams has no median delay."""
    assert median_delay([1, NOT_FOUND]) == NOT_FOUND


def test_the_judging_streams_are_kept_apart() -> None:
    """No stream without drift on the judging side has a seed or a real set of the design side."""
    design, judging = nulls("design"), nulls("judging")
    assert not {one.seed for one in design} & {one.seed for one in judging}
    assert not {one.source for one in design if one.real} & {one.source for one in judging if one.real}
    assert len({one.name for one in judging}) == len(judging)
    assert len({one.name for one in searches("judging")}) == len(searches("judging"))


def test_the_committed_result_is_this_engines() -> None:
    """What was judged is the engine's version, each of the judging streams is in it, and the page shows it."""
    body = read()
    assert body["engine"] == engine_name()
    assert [line["name"] for line in body["nulls"]] == [stream.name for stream in nulls("judging")]
    text = PAGE.read_text("utf-8")
    assert rendered(body, text) == text
