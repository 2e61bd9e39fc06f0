"""Calls that come again and again: in time, one at a time, and not after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from monitor.schedule import Pool, Schedule

SECONDS = 20.0


class Calls:
    """Counts its calls; while ``gate`` is closed each of them lasts."""

    def __init__(self) -> None:
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.within = self.most = 0
        self.gate.set()

    def __call__(self) -> None:
        """Be called."""
        self.within += 1
        self.most = max(self.most, self.within)
        self.entered.release()
        self.gate.wait(SECONDS)
        self.within -= 1

    def came(self, times: int = 1) -> bool:
        """Wait for calls that were not waited for yet."""
        return all(self.entered.acquire(timeout=SECONDS) for _ in range(times))


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    """Return a schedule that was started."""
    made = Schedule()
    made.start()
    yield made
    made.stop()
    made.wait(SECONDS)


def test_a_function_is_called_again_and_again(schedule: Schedule) -> None:
    """The first call comes at once, others follow."""
    calls = Calls()
    schedule.every(0.01, "calls", calls)
    assert calls.came(5)


def test_a_function_is_not_called_while_it_runs(schedule: Schedule) -> None:
    """However long a call lasts, the next comes after it."""
    calls, other = Calls(), Calls()
    calls.gate.clear()
    schedule.every(0.01, "calls", calls)
    schedule.every(0.01, "other", other)
    assert calls.came()
    assert other.came(10)
    assert calls.most == 1
    calls.gate.set()
    assert calls.came()


def test_long_work_does_not_hold_up_upkeep(schedule: Schedule) -> None:
    """With more models draining than there are threads for, the page of metrics is still brought up to date."""
    works = [Calls() for _ in range(8)]
    for number, work in enumerate(works):
        work.gate.clear()
        schedule.every(1.0, f"work-{number}", work, pool=Pool.WORK)
    upkeep = Calls()
    schedule.every(0.01, "upkeep", upkeep)
    assert upkeep.came(10)
    for work in works:
        work.gate.set()


def test_what_is_removed_is_not_called_again(schedule: Schedule) -> None:
    """A function that was removed may end its present call; then none follows."""
    calls, other = Calls(), Calls()
    schedule.every(0.01, "calls", calls)
    assert calls.came()
    schedule.remove("calls")
    schedule.every(0.01, "other", other)
    assert other.came(10)
    while calls.entered.acquire(blocking=False):
        pass
    assert other.came(10)
    assert not calls.entered.acquire(blocking=False)


def test_a_stop_waits_for_the_calls_under_way() -> None:
    """After a stop nothing is called; waiting says whether the last call has ended."""
    schedule, calls = Schedule(), Calls()
    calls.gate.clear()
    schedule.every(0.01, "calls", calls)
    schedule.start()
    assert calls.came()
    schedule.stop()
    assert not schedule.wait(0.05)
    calls.gate.set()
    assert schedule.wait(SECONDS)
    assert not calls.entered.acquire(timeout=0.05)


def test_a_function_that_raises_is_called_again(schedule: Schedule) -> None:
    """An error of one call is no end of the calls."""
    calls = Calls()

    def failing() -> None:
        calls()
        raise ValueError

    schedule.every(0.01, "failing", failing)
    assert calls.came(3)


def test_a_clock_that_runs_evenly_has_not_jumped(schedule: Schedule) -> None:
    """A tick tells of a jump only where wall and monotonic time drift apart."""
    assert not schedule.tick()
    assert not schedule.tick()
