from __future__ import annotations

import numpy as np
import pytest

from monitor.pipeline.arrivals import Arrivals, WaitingIds, by_stretch
from monitor.sampling import id_hashes

HOUR = 3_600_000_000


def hashes(first: int, number: int = 50) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return the hashes of some ids."""
    return id_hashes(str(each) for each in range(first, first + number))


def filled(stretches: int) -> WaitingIds:
    """Return ids of some stretches, fifty each, added one after the other."""
    waiting = WaitingIds()
    for number in range(stretches):
        waiting.add(("1", number * HOUR), hashes(number * 50))
    return waiting


@pytest.mark.parametrize("number", [0, 7, 39])
def test_the_stretch_of_a_target_is_found_however_many_wait(number: int) -> None:
    """Merged or new, the one stretch with the id is concerned, and no other."""
    assert filled(40).concerned(hashes(number * 50 + 20, 1)) == {("1", number * HOUR)}


def test_a_target_of_nobody_concerns_no_stretch() -> None:
    """An id that no record had leaves everything as it is."""
    assert filled(40).concerned(hashes(10_000, 20)) == set()


def test_what_waits_no_longer_is_not_concerned() -> None:
    """A stretch that was let go is not found, before a merge and after it, and the others are."""
    waiting = filled(40)
    waiting.drop(("1", 3 * HOUR))
    before = waiting.concerned(hashes(3 * 50, 1))
    waiting.add(("1", 99 * HOUR), hashes(50_000, 5_000))
    assert (before, waiting.concerned(hashes(3 * 50, 1))) == (set(), set())
    assert waiting.concerned(hashes(4 * 50, 1)) == {("1", 4 * HOUR)}


def test_millions_of_answers_lie_in_several_runs() -> None:
    """A target is found in whichever run its stretch lies, and one run that is let go of leaves the others."""
    found = np.random.default_rng(0).integers(0, 2**64, (3, 2**20), np.uint64)
    waiting = WaitingIds()
    for number, some in enumerate(found):
        waiting.add(("1", number), some)
    waiting.drop(("1", 1))
    told = [waiting.concerned(some[:1]) >= {("1", number)} for number, some in enumerate(found)]
    assert told == [True, False, True]


def test_targets_are_taken_once_at_the_close_that_knows_them() -> None:
    """What is known later stays; what was taken is gone."""
    arrivals = Arrivals()
    arrivals.add(by_stretch([HOUR // 2, 3 * HOUR], hashes(0, 2), HOUR, None))
    first, again, later = (arrivals.take(at) for at in (HOUR, 2 * HOUR, 3 * HOUR))
    assert ([*first], [*again], [*later]) == ([hashes(0, 1)[0]], [], [hashes(1, 1)[0]])


def test_a_target_that_comes_late_is_known_at_the_next_close() -> None:
    """No close that is over can have known it."""
    assert [*by_stretch([HOUR], hashes(0, 1), HOUR, 5 * HOUR)] == [5 * HOUR]


def test_arrivals_come_back_from_the_store() -> None:
    """Nothing is lost or changed on the way, instants before 1970 included."""
    arrivals = Arrivals()
    arrivals.add({-HOUR: hashes(0, 3), HOUR: hashes(3, 2)})
    found = Arrivals.from_bytes(arrivals.to_bytes())
    assert [*found.take(-HOUR)] == [*hashes(0, 3)]
    assert [*found.take(HOUR)] == [*hashes(3, 2)]
