"""What is usual of latency and volume."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration import engine as calibration
from monitor.history import History, folded, latency_history, volume_history
from monitor.latency import BINS, latency_bins
from monitor.usual import Usual, depart, expected_volume, latency_usual, volume_usual

N, DAY = 1000.0, 24
PERIODS = (DAY, 7 * DAY)


def volumes(first: int, steps: int, seed: int) -> np.ndarray:
    """Return records by hour: few at night, many by day."""
    times = np.arange(first, first + steps)
    mean = 200 * np.exp(np.sin(2 * np.pi * times / DAY))
    return np.random.default_rng(seed).poisson(mean)[:, np.newaxis]


def latencies(steps: int, seed: int, factor: float = 1.0, rows: int = 400) -> np.ndarray:
    """Return latencies by hour and bin, lognormal."""
    rng = np.random.default_rng(seed)
    taken = factor * rng.lognormal(-4, 0.5, (steps, rows))
    return np.stack([np.bincount(latency_bins(row), minlength=BINS) for row in taken])


def told(usual: Usual, first: int, steps: np.ndarray) -> list[float]:
    """Return the evidence after each step."""
    assert usual.engine is not None
    state, found = calibration.start(usual.engine), []
    for place, counts in enumerate(steps):
        step = depart(usual, state, first + place, counts, frozen=False)
        state = step.state
        found.append(step.evidence)
    return found


@pytest.fixture(scope="module")
def volume() -> Usual:
    """What is usual in two weeks."""
    return volume_usual(History(np.arange(14 * DAY), volumes(0, 14 * DAY, 0)), N, PERIODS)


@pytest.fixture(scope="module")
def latency() -> Usual:
    """What is usual in 200 hours."""
    return latency_usual(folded(np.arange(200), latencies(200, 0)), N, PERIODS)


def test_a_volume_is_usual_by_the_hour(volume: Usual) -> None:
    """What is expected is the hour's own mean, to a few percent."""
    expected = [expected_volume(volume, 20 * DAY + hour) for hour in range(DAY)]
    assert expected == pytest.approx((200 * np.exp(np.sin(2 * np.pi * np.arange(DAY) / DAY))).tolist(), rel=0.1)


def test_weeks_as_usual_alarm_nobody(volume: Usual, latency: Usual) -> None:
    """Fresh weeks of the same world stay under the threshold."""
    assert (volume.calibrated, latency.calibrated) == (True, True)
    assert max(told(volume, 14 * DAY, volumes(14 * DAY, 14 * DAY, 1))) < N
    assert max(told(latency, 200, latencies(200, 1))) < N


def uneven(seed: int, steps: int) -> np.ndarray:
    """Return records by quarter of a day: by night far fewer or far more than usual, rarely as usual; by day steady."""
    rng, quarter = np.random.default_rng(seed), np.arange(steps) % 4
    by_night = np.where(rng.random(steps) < 0.3, -0.8, 0.35) + rng.normal(0, 0.05, steps)
    by_night = np.where(rng.random(steps) < 0.03, rng.normal(0, 0.03, steps), by_night)
    departure = np.where(quarter < 2, by_night, rng.normal(0, 0.06, steps))
    usual = np.array([100, 110, 320, 360])[quarter]
    records: np.ndarray = np.rint(usual * np.exp(departure)).astype(np.int64)
    return records[:, np.newaxis]


def test_a_night_as_calm_as_a_day_is_no_alarm() -> None:
    """A departure is held against those of its own time of day: of two hundred days none is unusual."""
    steps = uneven(2, 480 + 800)
    quiet = volume_usual(History(np.arange(480), steps[:480]), N, (4, 28))
    assert quiet.calibrated
    assert max(told(quiet, 480, steps[480:])) < N


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_another_volume_is_found_within_hours(volume: Usual, factor: float) -> None:
    """None, half or double of what is usual for the hour is found in half a day."""
    steps = np.rint(volumes(14 * DAY, 12, 2) * factor).astype(np.int64)
    assert max(told(volume, 14 * DAY, steps)) >= N


@pytest.mark.parametrize("factor", [0.75, 1.5])
def test_another_latency_is_found_within_hours(latency: Usual, factor: float) -> None:
    """Half as slow again, or a quarter faster, is found in three hours."""
    assert max(told(latency, 200, latencies(3, 2, factor))) >= N


def test_a_volume_that_is_off_by_a_twentieth_does_not_matter(volume: Usual) -> None:
    """What is under a tenth is tolerated however long it lasts."""
    steps = np.rint(volumes(14 * DAY, 14 * DAY, 3) * 1.05).astype(np.int64)
    assert max(told(volume, 14 * DAY, steps)) < N


def test_frozen_evidence_stays(latency: Usual) -> None:
    """While an alert fires a step changes nothing, and says only how far it is off."""
    assert latency.engine is not None
    state = calibration.start(latency.engine)
    step = depart(latency, state, 200, latencies(1, 4, 2.0)[0], frozen=True)
    assert step.state is state
    assert step.effect is not None
    assert not step.effect.tolerated


def test_a_volume_that_never_varied_promises_nothing() -> None:
    """Where every step has as many records there is no scale to judge by."""
    usual = volume_usual(History(np.arange(100), np.full((100, 1), 5)), N, PERIODS)
    assert (usual.engine, usual.why) == (None, "no_spread")


def test_steps_without_a_record_are_volumes_too() -> None:
    """Between the first and the last whole step every one is counted, the empty ones as 0."""
    history = volume_history(np.array([5, 12, 13, 31, 47, 52]), 10)
    assert history is not None
    assert (history.times.tolist(), history.counts[:, 0].tolist()) == ([1, 2, 3, 4], [2, 0, 1, 1])


def test_a_reference_within_a_step_tells_no_volume() -> None:
    """A first and a last step that are one are no whole step."""
    assert volume_history(np.array([3, 4, 5]), 10) is None


def test_few_latencies_join_the_next_step() -> None:
    """A step under the least rows joins the next, and stands at the later one's time."""
    times, seconds = np.array([1, 11, 12, 13, 21, 22, 23, 24]), np.full(8, 0.01)
    history = latency_history(times, seconds, 10, 4)
    assert history is not None
    assert (history.times.tolist(), history.counts.sum(axis=1).tolist()) == ([1, 2], [4, 4])


def test_a_reference_s_latencies_are_folded_as_the_stream_s() -> None:
    """Counted from rows or from counts of steps, the history is the same."""
    seconds = np.random.default_rng(0).lognormal(-4, 0.5, 4000)
    times = np.repeat(np.arange(10), 400)
    steps = np.stack([np.bincount(latency_bins(row), minlength=BINS) for row in seconds.reshape(10, 400)])
    one, other = latency_history(times, seconds, 1, 300), folded(np.arange(10), steps)
    assert one is not None
    assert np.array_equal(one.counts, other.counts)
