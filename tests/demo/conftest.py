"""The real flights, read once, and a model of a few weeks of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from monitor.demo.data import load_flights
from monitor.demo.model import Model, train
from monitor.instant import from_text


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    """Return all flights of 2013."""
    return load_flights()


@pytest.fixture(scope="session")
def january(flights: pa.Table) -> pa.Table:
    """Return the flights of January."""
    return flights.filter(pc.less(flights["timestamp"], from_text("2013-02-01T05:00:00Z")))


@pytest.fixture(scope="session")
def weeks(january: pa.Table) -> pa.Table:
    """Return the first 10,000 flights: about eleven days."""
    return january.slice(0, 10_000)


@pytest.fixture(scope="session")
def model(weeks: pa.Table) -> Model:
    """Return a model of the first weeks."""
    return train(weeks, "1")
