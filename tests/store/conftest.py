"""An open state in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.database import State, StateSettings, open_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Yield a state that was begun just now."""
    opened = open_state(StateSettings(), tmp_path)
    yield opened
    opened.close()
