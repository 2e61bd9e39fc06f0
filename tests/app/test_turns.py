"""Turns: whoever wants a moment gets it between two steps of a long work."""

from __future__ import annotations

import threading

from monitor.app.turns import Turns


def test_a_visitor_comes_between_two_steps() -> None:
    """A visitor waits for the present step, not for the whole work, and never meets the holder within one."""
    turns, inside, log = Turns(), threading.Event(), []

    def visit() -> None:
        inside.wait(10)
        with turns.visit():
            log.append("visitor")

    visitor = threading.Thread(target=visit)
    visitor.start()
    with turns.hold():
        while "visitor" not in log:
            log.append("begin")
            inside.set()
            log.append("end")
            turns.lend()
        log.append("last")
    visitor.join(10)
    place = log.index("visitor")
    assert (log[place - 1], log[place + 1]) == ("end", "last")


def test_a_holder_that_nobody_waits_for_goes_on() -> None:
    """Lending without a visitor keeps the lock."""
    turns = Turns()
    with turns.hold():
        turns.lend()
        entered = threading.Event()

        def visit() -> None:
            with turns.visit():
                entered.set()

        threading.Thread(target=visit).start()
        assert not entered.wait(0.05)
    assert entered.wait(10)


def test_two_works_never_run_at_once() -> None:
    """Several threads that hold, lend and visit at will are within a step one at a time."""
    turns, within, most = Turns(), [0], [0]

    def step() -> None:
        within[0] += 1
        most[0] = max(most[0], within[0])
        within[0] -= 1

    def work() -> None:
        for _ in range(20):
            with turns.hold():
                step()
                turns.lend()
                step()
            with turns.visit():
                step()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1]
