from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from monitor.cli.run import Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Return what ``run`` hears with; afterwards this process hears as before."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield Signals()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_before_the_start_is_remembered(signals: Signals, number: signal.Signals) -> None:
    """A signal before the start ends the process with 0, and is known still where a library swallows that end."""
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(number)
    assert (ended.value.code, signals.halt.is_set()) == (0, True)
