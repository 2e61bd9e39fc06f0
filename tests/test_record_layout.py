"""Where columns stand in a log, and how they are named."""

from __future__ import annotations

import pytest

from monitor.record import Column, Kind, Role
from monitor.record_layout import (
    ColumnRepeated,
    ColumnsSettings,
    ColumnUnknown,
    feature_names,
    record_layout,
    target_layout,
)

NATIVE = ["timestamp", "request_id", "model_version", "inputs.temp", "inputs.carrier", "prediction", "score"]
FLAT = [
    "timestamp",
    "request_id",
    "temp",
    "carrier",
    "prediction",
    "score",
    "target",
    "error",
    "latency_ms",
    "resources.cpu_seconds",
]


def named(available: list[str], **settings: object) -> dict[str, str]:
    """Return the features as name and path."""
    return feature_names(available, ColumnsSettings.model_validate(settings))


def test_native_features_are_named_without_inputs() -> None:
    """The field inputs.temp is the column temp."""
    assert named(NATIVE) == {"temp": "inputs.temp", "carrier": "inputs.carrier"}


def test_in_a_flat_file_all_that_is_not_native_is_a_feature() -> None:
    """What the native format names is no feature, resources included."""
    assert named(FLAT) == {"temp": "temp", "carrier": "carrier"}


def test_a_name_is_its_path_less_the_fixed_part() -> None:
    """Under body.*.value only what stands before the first star is left out."""
    assert named(["body.temp.value", "body.temp.unit"], features="body.*.value") == {"temp.value": "body.temp.value"}


def test_deeper_structs_keep_their_dots() -> None:
    """A struct within inputs is named by its path."""
    assert named(["inputs.where.lat"]) == {"where.lat": "inputs.where.lat"}


def test_a_pattern_makes_no_feature_of_another_role() -> None:
    """A pattern that matches everything leaves out what the config says is the timestamp, the score and so on."""
    assert named(["timestamp", "request_id", "score", "temp"], features="*") == {"temp": "temp"}


def test_a_flat_file_may_name_other_roles() -> None:
    """What columns: gives a role is no feature, whatever it is called."""
    assert named(["when", "who", "temp"], timestamp="when", id="who") == {"temp": "temp"}


@pytest.mark.parametrize("listed", ["temp", "inputs.temp"])
def test_listed_features_are_found_by_name_or_path(listed: str) -> None:
    """A list may hold names or full paths."""
    assert named(NATIVE, features=[listed]) == {"temp": "inputs.temp"}


@pytest.mark.parametrize("excluded", ["temp", "inputs.temp"])
def test_exclude_takes_names_and_paths(excluded: str) -> None:
    """What is excluded is not watched, by name or by full path."""
    assert named(NATIVE, exclude=[excluded]) == {"carrier": "inputs.carrier"}


@pytest.mark.parametrize("settings", [{"features": ["tmep"]}, {"exclude": ["tmep"]}])
def test_an_unknown_column_is_told_with_the_nearest(settings: dict[str, object]) -> None:
    """A misspelt column names the one that was probably meant."""
    with pytest.raises(ColumnUnknown, match=r'"tmep".*did you mean "temp"'):
        named(NATIVE, **settings)


def test_two_fields_of_one_name_are_refused() -> None:
    """A file with one header twice cannot be watched."""
    with pytest.raises(ColumnRepeated, match='"temp"'):
        named(["temp", "temp"])


def test_a_list_must_not_name_a_column_twice() -> None:
    """inputs.temp and temp are one name."""
    with pytest.raises(ColumnRepeated, match='"temp"'):
        named(["inputs.temp", "temp"], features=["inputs.temp", "temp"])


def test_an_excluded_twin_is_no_fault() -> None:
    """Of two fields with one name, one may be left out."""
    available = ["inputs.temp", "temp"]
    assert named(available, features=["inputs.temp"]) == {"temp": "inputs.temp"}


def test_records_need_a_timestamp_and_targets_an_id() -> None:
    """The layouts say what a record, and what a target, cannot do without."""
    settings = ColumnsSettings()
    records = record_layout([Column("temp", "inputs.temp", Role.FEATURE, Kind.NUMERIC)], settings)
    targets = target_layout(Kind.CATEGORICAL, settings, coded=True)
    assert (records.needs_timestamp, records.needs_id) == (True, False)
    assert (targets.needs_timestamp, targets.needs_id) == (False, True)
    assert [field.path for field in records.fields] == [
        *("error", "inputs.temp", "request_id", "model_version", "latency_ms"),
    ]
    assert [field.path for field in targets.fields] == ["target", "request_id"]


@pytest.mark.parametrize("name", ["timestamp", "id", "version", "latency"])
def test_features_may_have_the_names_of_the_tables_own_columns(name: str) -> None:
    """A feature called version keeps its name, and has a key of its own."""
    column = Column(name, f"inputs.{name}", Role.FEATURE, Kind.NUMERIC)
    assert named([f"inputs.{name}"]) == {name: f"inputs.{name}"}
    assert column.key not in {"timestamp", "id", "version", "latency"}
