"""An application over a daemon made of plain data."""

from __future__ import annotations

import pytest
from litestar.types import ASGIApp

from monitor.web import create_app
from tests.web.sample import SampleView, feed


@pytest.fixture
def view() -> SampleView:
    """Return the daemon."""
    view = SampleView()
    feed(view.telemetry)
    return view


@pytest.fixture
def app(view: SampleView) -> ASGIApp:
    """Return the application."""
    return create_app(view)
