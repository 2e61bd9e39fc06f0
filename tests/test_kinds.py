"""What the values of a column are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from monitor.kinds import infer_kind
from monitor.record import Kind, Role

MANY = 200


def kind_of(values: Any, role: Role = Role.FEATURE, task: str = "none") -> Kind:
    """Return the kind of a column."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return infer_kind(pa.chunked_array([array]), role, task)[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, None], Kind.NUMERIC),
        ([0, 1, 0, 1], Kind.NUMERIC),
        ([Decimal("1.50"), Decimal("2.50")], Kind.NUMERIC),
        (pa.array(np.array([1, 2], np.float16)), Kind.NUMERIC),
        (pa.array([1, 2], pa.uint64()), Kind.NUMERIC),
        (["UA", "AA", "UA"], Kind.CATEGORICAL),
        (pa.array(["UA", "AA"], pa.large_string()), Kind.CATEGORICAL),
        (pa.array(["UA", "AA"], pa.string_view()), Kind.CATEGORICAL),
        (pa.array(["UA", "AA"]).dictionary_encode(), Kind.CATEGORICAL),
        ([True, False], Kind.BOOLEAN),
        ([True, True], Kind.BOOLEAN),
        ([5, 5, None], Kind.CONSTANT),
        (["a", "a"], Kind.CONSTANT),
        ([None, None], Kind.CONSTANT),
        (pa.nulls(3, pa.float64()), Kind.CONSTANT),
        ([float("nan"), float("nan")], Kind.CONSTANT),
        ([1.0, float("nan")], Kind.CONSTANT),
        ([], Kind.CONSTANT),
        ([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)], Kind.DATETIME),
        ([dt.date(2026, 1, 1)], Kind.DATETIME),
        ([dt.timedelta(1)], Kind.DATETIME),
        (["2026-01-01", "2026-01-02T03:04:05Z"], Kind.DATETIME),
        (["20260101", "20260102"], Kind.CATEGORICAL),
        ([[1.0, 2.0], [3.0]], Kind.VECTOR),
        (pa.array([[1.0]], pa.list_(pa.float32(), 1)), Kind.VECTOR),
        ([["red", "blue"]], Kind.VECTOR),
        ([b"\x00", b"\xff"], Kind.VECTOR),
        (list(range(MANY)), Kind.IDENTIFIER),
        (list(range(MANY, 0, -1)), Kind.NUMERIC),
        ([float(i) for i in range(MANY)], Kind.NUMERIC),
        (list(range(50)), Kind.NUMERIC),
        ([f"user-{i}" for i in range(MANY)], Kind.IDENTIFIER),
        ([f"user-{i}" for i in range(50)], Kind.CATEGORICAL),
        ([f"the parcel {i} was late" for i in range(MANY)], Kind.TEXT),
        (["x" * 50 + str(i) for i in range(MANY)], Kind.TEXT),
        (["in two words", "in three words"] * MANY, Kind.CATEGORICAL),
    ],
)
def test_known_kinds(values: Any, kind: Kind) -> None:
    """The kind follows from Arrow's type where that tells, else from the values."""
    assert kind_of(values) is kind


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pd.Series([1.5, None, 2.5]), Kind.NUMERIC),
        (pd.Series([1, 2, None], dtype="Int64"), Kind.NUMERIC),
        (pd.Series(["a", None, "b"], dtype="object"), Kind.CATEGORICAL),
        (pd.Series(["a", None, "b"], dtype="str"), Kind.CATEGORICAL),
        (pd.Series(["a", "b", "a"], dtype="category"), Kind.CATEGORICAL),
        (pd.Series([True, None, False], dtype="boolean"), Kind.BOOLEAN),
        (pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"])), Kind.DATETIME),
        (pd.Series([None, None], dtype="object"), Kind.CONSTANT),
        (pd.Series([np.nan, np.nan]), Kind.CONSTANT),
    ],
)
def test_kinds_of_data_frames(series: pd.Series, kind: Kind) -> None:
    """A column of pandas has the kind of its values, whatever it was stored as."""
    assert kind_of(pa.Array.from_pandas(series)) is kind


@pytest.mark.parametrize("role", [Role.PREDICTION, Role.TARGET])
@pytest.mark.parametrize(("task", "kind"), [("binary", Kind.CATEGORICAL), ("multiclass", Kind.CATEGORICAL)])
def test_a_classifiers_numbers_are_classes(role: Role, task: str, kind: Kind) -> None:
    """The classes of a classifier are categories even if they are written as numbers."""
    assert infer_kind(pa.chunked_array([[0, 1, 1]]), role, task) == (kind, True)


def test_a_regressors_numbers_are_numbers() -> None:
    """What a regression answers is numeric, and so is any score."""
    assert kind_of([0.5, 1.5], Role.PREDICTION, "regression") is Kind.NUMERIC
    assert kind_of([0.5, 0.7], Role.SCORE, "binary") is Kind.NUMERIC


def test_predictions_are_never_identifiers() -> None:
    """The model's answer is watched however many values it has."""
    assert kind_of([f"item-{i}" for i in range(MANY)], Role.PREDICTION, "none") is Kind.CATEGORICAL
