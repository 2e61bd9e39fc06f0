from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitor.background import Background
from monitor.earlier import of_tables
from monitor.errors import ConfigError
from monitor.inject import injector
from monitor.injection import parse_injection
from monitor.instant import SECOND, from_text
from monitor.record import Column, Kind, Role

DAY = 86_400 * SECOND
START = from_text("2013-09-01")
COLUMNS = (
    Column("distance", "inputs.distance", Role.FEATURE, Kind.NUMERIC),
    Column("temp", "inputs.temp", Role.FEATURE, Kind.NUMERIC),
    Column("carrier", "inputs.carrier", Role.FEATURE, Kind.CATEGORICAL),
    Column("wet", "inputs.wet", Role.FEATURE, Kind.BOOLEAN),
    Column("prediction", "prediction", Role.PREDICTION, Kind.CATEGORICAL, coded=True),
    Column("version", "inputs.version", Role.FEATURE, Kind.NUMERIC),
)


def table(rows: int = 4) -> pa.Table:
    """Return canonical rows, a day apart."""
    places = range(rows)
    return pa.table(
        {
            "timestamp": pa.array([START + place * DAY for place in places], pa.int64()),
            "id": [f"r{place}" for place in places],
            "version": [str(place % 2) for place in places],
            "distance": [float(place + 1) for place in places],
            "temp": [10.0 + place for place in places],
            "carrier": [("UA", "AA", None)[place % 3] for place in places],
            "wet": [place % 2 == 0 for place in places],
            "prediction": [float(place % 2) for place in places],
            "feature:version": [float(place) for place in places],
        }
    )


def background(logged: Sequence[pa.Table] = ()) -> Background:
    """Return a background: UA is a third of the reference's rows, "all" every one, and what was logged before."""
    shares = {("carrier", "UA"): 1 / 3, ("wet", "true"): 0.5, ("prediction", "1"): 0.5, ("carrier", "all"): 1.0}
    return Background(
        lambda column, level: shares.get((column.name, level), 0.0),
        lambda column: of_tables(logged, column.key, column.type),
    )


def injected(spec: str, rows: pa.Table | None = None, model: str = "m") -> pa.Table:
    """Return rows after an injection."""
    given = table() if rows is None else rows
    change = injector([parse_injection(spec)], model, COLUMNS, background([given]))
    return given if change is None else change(given)


def codes(error: ConfigError) -> list[tuple[str, str]]:
    """Return code and place of each fault."""
    return [(fault.code, fault.path) for fault in error.faults]


@pytest.mark.parametrize(
    ("spec", "column", "expected"),
    [
        ("column=distance scale=1.609", "distance", [1.609, 3.218, 4.827, 6.436]),
        ("column=distance offset=-1", "distance", [0.0, 1.0, 2.0, 3.0]),
        ("column=distance noise=0", "distance", [1.0, 2.0, 3.0, 4.0]),
        ("column=distance outliers=0:9", "distance", [1.0, 2.0, 3.0, 4.0]),
        ("column=distance clip=2:3", "distance", [2.0, 2.0, 3.0, 3.0]),
        ("column=distance clip=:3", "distance", [1.0, 2.0, 3.0, 3.0]),
        ("column=distance clip=2.5:", "distance", [2.5, 2.5, 3.0, 4.0]),
        ("column=distance round=2", "distance", [0.0, 2.0, 4.0, 4.0]),
        ("column=distance constant=7", "distance", [7.0] * 4),
        ("column=distance missing=1", "distance", [None] * 4),
        ("column=distance swap=temp", "distance", [10.0, 11.0, 12.0, 13.0]),
        ("column=distance swap=temp", "temp", [1.0, 2.0, 3.0, 4.0]),
        ("column=carrier relabel=UA:XX", "carrier", ["XX", "AA", None, "XX"]),
        ("column=carrier relabel='UA:X X'", "carrier", ["X X", "AA", None, "X X"]),
        ("column=carrier constant=ZZ", "carrier", ["ZZ"] * 4),
        ("column=wet relabel=true:false", "wet", [False] * 4),
        ("column=prediction relabel=1:2", "prediction", [0.0, 2.0, 0.0, 2.0]),
        ("column=version scale=2", "feature:version", [0.0, 2.0, 4.0, 6.0]),
        ("column=distance delay=1d", "distance", [1.0, 1.0, 2.0, 3.0]),
        ("column=distance delay=36h", "distance", [1.0, 2.0, 1.0, 2.0]),
        ("column=carrier delay=2d", "carrier", ["UA", "AA", "UA", "AA"]),
        ("duplicate=1", "distance", [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]),
        ("duplicate=1 from=2013-09-04", "id", ["r0", "r1", "r2", "r3", "r3"]),
        ("column=carrier mix=UA:1", "id", ["r0", "r3"]),
        ("column=carrier mix=UA:0", "id", ["r1", "r2"]),
        ("column=carrier mix=UA:0 from=2013-09-02", "id", ["r0", "r1", "r2"]),
        ("column=wet mix=true:1", "id", ["r0", "r2"]),
        ("column=prediction mix=1:0", "id", ["r0", "r2"]),
    ],
)
def test_a_change_does_what_it_says(spec: str, column: str, expected: list[Any]) -> None:
    """Each change leaves the values that its word promises, and missing ones missing."""
    assert injected(spec)[column].to_pylist() == expected


@pytest.mark.parametrize("column", ["timestamp", "id", "version", "temp", "carrier"])
def test_other_columns_stay(column: str) -> None:
    """A change of one column leaves every other as it was."""
    assert injected("column=distance scale=2")[column].equals(table()[column])


def test_a_change_holds_between_its_instants() -> None:
    """Records from `from` on and before `to` are changed, the others are not."""
    changed = injected("column=distance constant=0 from=2013-09-02 to=2013-09-04")
    assert changed["distance"].to_pylist() == [1.0, 0.0, 0.0, 4.0]


def test_a_change_may_be_of_one_version() -> None:
    """With `version` only the records of that version are changed."""
    assert injected("column=distance constant=0 version=1")["distance"].to_pylist() == [1.0, 0.0, 3.0, 0.0]


def test_a_change_may_be_of_one_model() -> None:
    """With `model` another model's records are left alone, whatever columns it has."""
    assert injector([parse_injection("column=nowhere scale=2 model=other")], "m", COLUMNS, background()) is None


def test_changes_follow_each_other() -> None:
    """Several injections of one column are made in the order in which they are given."""
    change = injector(
        [parse_injection(f"column=distance {word}") for word in ("offset=1", "scale=2")], "m", COLUMNS, background()
    )
    assert change is not None
    assert change(table())["distance"].to_pylist() == [4.0, 6.0, 8.0, 10.0]


@pytest.mark.parametrize(
    "spec",
    [
        "column=temp missing=0.3",
        "column=temp noise=2",
        "column=temp outliers=0.1:9",
        "column=temp delay=36h",
        "column=carrier mix=UA:0.6",
        "column=carrier mix=UA:0.1",
        "duplicate=0.4",
    ],
)
def test_chance_follows_the_record(spec: str) -> None:
    """What is random is the same however the records are cut into batches, and in whatever order they come."""
    rows = table(500)
    change = injector([parse_injection(spec)], "m", COLUMNS, background([rows.slice(200), rows.slice(0, 200)]))
    assert change is not None
    whole = change(rows).to_pylist()
    cut = [row for start in range(0, 500, 70) for row in change(rows.slice(start, 70)).to_pylist()]
    backwards = change(rows.take(pa.array(range(499, -1, -1)))).to_pylist()
    assert whole == cut == backwards[::-1]


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_mix_has_the_share_that_is_asked_for(share: float) -> None:
    """Of many records so many of one side are left out that the category has its new share."""
    left = injected(f"column=carrier mix=UA:{share}", table(30_000))["carrier"].to_pylist()
    assert abs(left.count("UA") / len(left) - share) < 5 * math.sqrt(share * (1 - share) / len(left))


def test_a_mix_leaves_records_as_they_were() -> None:
    """Records that a mix keeps hold what they held, so that what goes with a category stays with it."""
    kept = injected("column=carrier mix=UA:0.6", table(300))
    assert set(map(str, kept.to_pylist())) < set(map(str, table(300).to_pylist()))


def test_duplicates_are_the_share_that_is_asked_for() -> None:
    """Of many records the share that is asked for comes twice, the second right after the first."""
    ids = injected("duplicate=0.2", table(20_000))["id"].to_pylist()
    again = sum(first == second for first, second in pairwise(ids))
    assert again == len(ids) - 20_000
    assert abs(again / 20_000 - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 20_000)


def test_missing_takes_the_share() -> None:
    """Of many records the share that is asked for loses its value."""
    gone = injected("column=temp missing=0.2", table(20_000))["temp"].null_count
    assert abs(gone / 20_000 - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 20_000)


def test_noise_has_the_spread_that_is_asked_for() -> None:
    """The noise is normal with mean 0 and the given standard deviation, in the column's own unit."""
    rows = table(20_000)
    noise = np.asarray(injected("column=temp noise=3", rows)["temp"]) - np.asarray(rows["temp"])
    assert abs(noise.mean()) < 5 * 3 / math.sqrt(20_000)
    assert abs(noise.std() / 3 - 1) < 5 / math.sqrt(2 * 20_000)


def test_outliers_are_few_and_far_out() -> None:
    """The share that is asked for is moved, by normal noise of the standard deviation that is asked for."""
    rows = table(20_000)
    moved = np.asarray(injected("column=temp outliers=0.1:50", rows)["temp"]) - np.asarray(rows["temp"])
    struck = moved[moved != 0]
    assert abs(len(struck) / 20_000 - 0.1) < 5 * math.sqrt(0.1 * 0.9 / 20_000)
    assert abs(struck.std() / 50 - 1) < 5 / math.sqrt(2 * len(struck))


def test_what_is_missing_is_not_clipped() -> None:
    """A bound gives no value to a record that has none."""
    rows = table(2).set_column(4, "temp", pa.array([None, 99.0]))
    assert injected("column=temp clip=0:5", rows)["temp"].to_pylist() == [None, 5.0]


def test_two_specs_choose_different_records() -> None:
    """The records that lose one column are not those that lose another."""
    both = [parse_injection(f"column={name} missing=0.5") for name in ("temp", "distance")]
    change = injector(both, "m", COLUMNS, background())
    assert change is not None
    rows = change(table(2_000))
    together = sum(
        a is None and b is None for a, b in zip(rows["temp"].to_pylist(), rows["distance"].to_pylist(), strict=True)
    )
    assert 400 < together < 600


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("", "E102"),
        ("column=temp", "E102"),
        ("scale=2", "E102"),
        ("column=temp scale=2 offset=1", "E102"),
        ("column=temp scal=2", "E102"),
        ("column=temp scale=two", "E102"),
        ("column=temp scale=", "E102"),
        ("column=temp scale=nan", "E103"),
        ("column=temp scale=inf", "E103"),
        ("column=temp noise=-1", "E103"),
        ("column=temp missing=1.5", "E103"),
        ("column=temp outliers=0.1", "E102"),
        ("column=temp outliers=0.1:", "E102"),
        ("column=temp outliers=2:1", "E103"),
        ("column=temp outliers=0.1:-1", "E103"),
        ("column=temp clip=1", "E102"),
        ("column=temp clip=:", "E102"),
        ("column=temp clip=low:9", "E102"),
        ("column=temp clip=9:1", "E103"),
        ("column=temp clip=nan:", "E103"),
        ("column=temp round=0", "E103"),
        ("column=carrier relabel=UA", "E102"),
        ("column=temp delay=soon", "E102"),
        ("column=temp delay=0s", "E103"),
        ("column=carrier mix=UA", "E102"),
        ("column=carrier mix=UA:", "E102"),
        ("column=carrier mix=:0.5", "E102"),
        ("column=carrier mix=UA:1.5", "E103"),
        ("column=carrier mix=UA:nan", "E103"),
        ("duplicate=2", "E103"),
        ("duplicate=nan", "E103"),
        ("column=temp duplicate=0.1", "E102"),
        ("column=temp scale=2 from=yesterday", "E102"),
        ("column=temp scale=2 from=2013-09-02 to=2013-09-02", "E103"),
        ("column='temp scale=2", "E102"),
    ],
)
def test_a_spec_that_is_none_is_a_fault(spec: str, code: str) -> None:
    """What cannot be read as a spec is a fault of the option, found before anything is replayed."""
    with pytest.raises(ConfigError) as caught:
        parse_injection(spec)
    assert codes(caught.value) == [(code, "--inject")]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("column=tmp scale=2", "E166"),
        ("column=temp swap=nowhere", "E166"),
        ("column=carrier scale=2", "E102"),
        ("column=carrier clip=1:2", "E102"),
        ("column=temp swap=carrier", "E102"),
        ("column=temp constant=warm", "E102"),
        ("column=wet relabel=yes:no", "E102"),
        ("column=wet mix=yes:0.5", "E102"),
        ("column=carrier mix=ZZ:0.5", "E102"),
        ("column=carrier mix=all:0.5", "E102"),
        ("column=tmp delay=1h", "E166"),
    ],
)
def test_a_change_that_does_not_fit_is_a_fault(spec: str, code: str) -> None:
    """A column that the model does not have, and a change that is not for its kind, are faults of the option."""
    with pytest.raises(ConfigError) as caught:
        injector([parse_injection(spec)], "m", COLUMNS, background())
    assert codes(caught.value) == [(code, "--inject")]


def test_the_nearest_column_is_named() -> None:
    """A misspelt column's fault names the one that was probably meant."""
    with pytest.raises(ConfigError, match='did you mean "temp"'):
        injector([parse_injection("column=tmp scale=2")], "m", COLUMNS, background())
