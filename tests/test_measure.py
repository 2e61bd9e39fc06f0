"""Every column of a window, as users see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.comparison import ColumnDriftSettings, DriftSettings, Histogram
from monitor.drift import METHODS
from monitor.judge import Judge, Memory, first_memory
from monitor.measure import drifted, finite, judged, measure_columns
from monitor.profile import Profile
from tests.test_judge import hour, judge_of, profile_of, stepped
from tests.worlds import BEGIN, HOUR, World, reference_table

LEAST = 30
Json = dict[str, Any]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a calm reference."""
    return judge_of(reference_table())


def measured(judge: Judge, profile: Profile, memory: Memory | None = None, least: int = LEAST) -> dict[str, Json]:
    """Return the columns of a window by name."""
    columns = measure_columns(judge, memory or first_memory(judge), profile, least, HOUR)
    return {column["name"]: column for column in columns}


def without_amount(judge: Judge, kept: int = 0) -> Profile:
    """Return an hour in which the amount is missing but for a few rows."""
    records = World(seed=3).hour(BEGIN)
    for record in records[kept:]:
        record["inputs"]["amount"] = None
    return profile_of(judge, records)


def told(column: Json) -> tuple[str, str]:
    """Return verdict and reason."""
    return column["verdict"], column["why"]


def test_a_calm_hour_is_stable(judge: Judge) -> None:
    """Every column is under its threshold, and says so."""
    columns = measured(judge, hour(judge, 0, seed=3))
    assert {told(column) for column in columns.values()} == {("stable", "distance_under_threshold")}
    assert (judged(list(columns.values())), drifted(list(columns.values()))) == (6, 0)


def test_a_drifted_column_is_over_its_threshold(judge: Judge) -> None:
    """The shifted column alone is drifted."""
    columns = measured(judge, hour(judge, 0, seed=3, shift=2.0))
    assert [name for name, column in columns.items() if column["verdict"] == "drifted"] == ["amount"]
    assert columns["amount"]["distance"] >= columns["amount"]["threshold"]
    assert columns["amount"]["effect"]["value"] == pytest.approx(2.0, abs=0.5)
    assert columns["amount"]["effect"]["unit"] == "sd"


def test_a_column_has_every_key(judge: Judge) -> None:
    """Each key of the contract is there, whatever the verdict."""
    keys = (
        "name role kind verdict why method distance p_value threshold effect share_of_drift began_at reference current"
    )
    for profile in (hour(judge, 0), profile_of(judge, []), without_amount(judge)):
        assert all(set(column) == set(keys.split()) for column in measured(judge, profile).values())


def test_too_few_rows_are_not_judged(judge: Judge) -> None:
    """One row less than the least leaves every column open."""
    profile = profile_of(judge, World().hour(BEGIN)[: LEAST - 1])
    assert {told(c) for c in measured(judge, profile).values()} == {("insufficient_data", "too_few_rows")}
    enough = profile_of(judge, World().hour(BEGIN)[:LEAST])
    assert judged(list(measured(judge, enough).values())) == 6


def test_a_column_that_vanished_is_drifted() -> None:
    """All values missing is the largest change there is for a method that sees missing values."""
    judge = judge_of(reference_table(), DriftSettings(numeric="jensen_shannon"))
    column = measured(judge, without_amount(judge))["amount"]
    assert told(column) == ("drifted", "distance_over_threshold")
    assert (column["current"]["missing_ratio"], column["current"]["mean"], column["effect"]) == (1.0, None, None)


@pytest.mark.parametrize("method", ["kolmogorov_smirnov", "wasserstein"])
def test_a_method_without_values_does_not_judge(method: str) -> None:
    """A method that leaves missing values out says that there were no values, not that all is well."""
    judge = judge_of(reference_table(), DriftSettings(numeric=method))
    for kept in (0, 4):
        column = measured(judge, without_amount(judge, kept))["amount"]
        assert told(column) == ("insufficient_data", "no_values")
        assert column["distance"] is None
    assert measured(judge, without_amount(judge, 5))["amount"]["distance"] is not None


def test_a_short_reference_does_not_judge() -> None:
    """Ten rows of reference say nothing of what is usual: the distance is shown, no verdict is."""
    judge = judge_of(reference_table(1).slice(0, 10))
    columns = measured(judge, hour(judge, 0))
    assert {told(column) for column in columns.values()} == {("insufficient_data", "reference_too_short")}
    assert all(column["distance"] is not None and column["threshold"] is None for column in columns.values())


def test_a_reference_without_times_does_not_judge() -> None:
    """Without timestamps there are no steps to learn from: the distance is shown, no verdict is."""
    judge = judge_of(reference_table(), timed=False)
    columns = measured(judge, hour(judge, 0))
    assert {told(column) for column in columns.values()} == {("insufficient_data", "no_timestamps")}
    assert all(column["distance"] is not None for column in columns.values())


def _broken(_old: Histogram, _new: Histogram) -> Any:
    raise ZeroDivisionError


def _no_number(_old: Histogram, _new: Histogram) -> Any:
    return float("nan")


def test_a_method_that_fails_fails_alone(judge: Judge) -> None:
    """The column whose method raises has failed; the others are judged."""
    broken = replace(METHODS["jensen_shannon"], distance=_broken, prepared=None)
    first, *others = judge.watched
    columns = measured(replace(judge, watched=(replace(first, method=broken), *others)), hour(judge, 0))
    assert told(columns["amount"]) == ("failed", "method_failed")
    assert judged(list(columns.values())) == 5


def test_a_method_that_yields_no_number_tells_none(judge: Judge) -> None:
    """NaN is never shown as a distance, and never stable."""
    broken = replace(METHODS["jensen_shannon"], distance=_no_number, prepared=None)
    first, *others = judge.watched
    columns = measured(replace(judge, watched=(replace(first, method=broken), *others)), hour(judge, 0))
    assert told(columns["amount"])[0] == "insufficient_data"
    assert columns["amount"]["distance"] is None


def test_columns_are_ordered_by_their_share_of_the_drift(judge: Judge) -> None:
    """The column that carries the evidence comes first; shares sum to 1; without evidence names decide."""
    memory = first_memory(judge)
    assert list(measured(judge, hour(judge, 0), memory)) == sorted(entry.column.name for entry in judge.watched)
    memory, _ = stepped(judge, memory, 0, shift=3.0)
    columns = list(measured(judge, hour(judge, 0, shift=3.0), memory).values())
    shares = [column["share_of_drift"] for column in columns]
    assert columns[0]["name"] == "amount"
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert columns[0]["began_at"] == "2026-01-05T00:00:00Z"


def test_without_evidence_no_share_is_told(judge: Judge) -> None:
    """Before the first step there is no drift to share."""
    columns = measured(judge, hour(judge, 0))
    assert {(c["share_of_drift"], c["began_at"]) for c in columns.values()} == {(None, None)}


def test_a_p_value_is_told_where_a_method_has_one() -> None:
    """Chi-squared has a p-value, Jensen-Shannon none."""
    judge = judge_of(reference_table(), DriftSettings(columns={"carrier": ColumnDriftSettings(method="chi_squared")}))
    columns = measured(judge, hour(judge, 0))
    assert 0 <= columns["carrier"]["p_value"] <= 1
    assert columns["flag"]["p_value"] is None


def test_a_new_level_is_told_as_unseen(judge: Judge) -> None:
    """A level that the reference lacks shows as its share, and as the effect."""
    records = World(seed=3).hour(BEGIN)
    for record in records:
        record["inputs"]["carrier"] = "XX"
    column = measured(judge, profile_of(judge, records))["carrier"]
    assert told(column)[0] == "drifted"
    assert column["current"]["unseen_ratio"] == 1.0
    assert column["effect"]["value"] == pytest.approx(1.0)


@pytest.mark.parametrize(("value", "expected"), [(1.5, 1.5), (None, None), (float("nan"), None), (float("inf"), None)])
def test_only_numbers_are_told(value: float | None, expected: float | None) -> None:
    """What is no number is null."""
    assert finite(value) == expected
