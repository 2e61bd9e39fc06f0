"""A state of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.database import State, StateSettings, open_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    state = open_state(StateSettings(), tmp_path)
    yield state
    state.close()
