from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from monitor.demo.data import FEATURES, load_flights, local_times, require_extra
from monitor.errors import ConfigError
from monitor.instant import from_text


def test_every_scheduled_flight_is_there_once(flights: pa.Table) -> None:
    """The join keeps the 336,776 flights that the data set is known for, each under its own id."""
    assert flights.num_rows == 336_776
    assert pc.count_distinct(flights["request_id"]).as_py() == 336_776


def test_a_flight_that_never_arrived_has_no_outcome(flights: pa.Table) -> None:
    """The 9,430 flights without an arrival delay have no outcome; of the others 77,630 came over 15 minutes late."""
    assert flights["late"].null_count == 9_430
    assert pc.sum(flights["late"]).as_py() == 77_630


def test_the_first_flight_is_known_from_the_data_set(flights: pa.Table) -> None:
    """United 1545, Newark to Houston at 5:15 on New Year's Day: 1,400 miles, a Boeing of 1999, 11 minutes late."""
    first = flights.slice(0, 1).to_pylist()[0]
    assert first["request_id"] == "20130101-UA1545-EWR"
    assert first["timestamp"] == from_text("2013-01-01T05:15:00-05:00")
    assert (first["distance"], first["age"], first["seats"], first["late"]) == (1400.0, 14.0, 149.0, 0)
    assert (first["temp"], first["wind_dir"]) == (39.02, 260.0)


def test_what_is_known_only_later_is_no_feature(flights: pa.Table) -> None:
    """Neither a delay nor a time of the flight itself reaches the model."""
    assert not {"dep_delay", "arr_delay", "dep_time", "arr_time", "air_time"} & set(flights.column_names)
    assert set(FEATURES) == set(flights.column_names) - {"timestamp", "request_id", "late"}
    assert len(FEATURES) >= 15


def test_flights_are_in_strict_order(flights: pa.Table) -> None:
    """Timestamps never fall, and flights of one minute are ordered by their id."""
    times = np.asarray(flights["timestamp"])
    ids = np.asarray(flights["request_id"].to_pylist())
    assert ((times[1:] > times[:-1]) | ((times[1:] == times[:-1]) & (ids[1:] > ids[:-1]))).all()


def test_loading_twice_gives_the_same_flights(flights: pa.Table) -> None:
    """However the threads of the join run, the result is the same."""
    assert load_flights().equals(flights)


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2013-01-01T10:15:00Z", "2013-01-01T05:15:00"),
        ("2013-03-10T06:59:00Z", "2013-03-10T01:59:00"),
        ("2013-03-10T07:00:00Z", "2013-03-10T03:00:00"),
        ("2013-11-03T05:59:00Z", "2013-11-03T01:59:00"),
        ("2013-11-03T06:00:00Z", "2013-11-03T01:00:00"),
    ],
)
def test_local_time_follows_the_clocks_of_new_york(utc: str, local: str) -> None:
    """Summer time began on 10 March 2013 and ended on 3 November, at two in the morning."""
    assert local_times(pa.chunked_array([pa.array([from_text(utc)])]))[0].as_py().isoformat() == local


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    """Whoever has not installed the extra is told how."""
    with pytest.raises(ConfigError, match=r"pip install 'driftline\[demo\]'"):
        require_extra(["a_library_that_is_nowhere"])
