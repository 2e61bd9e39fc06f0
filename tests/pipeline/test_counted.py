"""What was predicted, told from the counts of panes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from monitor.bins import CategoryBins, NumericBins
from monitor.calibration.difference import Side
from monitor.pipeline.counted import counted_predictions
from monitor.profile import Binning, ColumnBins, Profile, profile_rows
from monitor.record import Column, Kind, Role

NUMBERS = NumericBins(np.array([0.0, 1.0]), np.array([-1.0, 0.5, 2.0]), 0.0, 2.0**-20)


def column(name: str, role: Role, kind: Kind) -> Column:
    """Return a column of a log."""
    return Column(name, name, role, kind)


def counted(*columns: tuple[ColumnBins, Sequence[object]], positive: str | None = None) -> dict[str, Side]:
    """Return what is told of the rows of one pane."""
    binning = Binning(tuple(bins for bins, _ in columns))
    table = pa.table({bins.column.key: pa.array(values) for bins, values in columns})
    profile: Profile = profile_rows(table, binning, np.zeros(table.num_rows, np.intp), 1)[0]
    return counted_predictions(binning, profile, positive)


def classes(*levels: str) -> ColumnBins:
    """Return a predicted class."""
    return ColumnBins(column("prediction", Role.PREDICTION, Kind.CATEGORICAL), CategoryBins(levels))


def test_a_class_is_told_by_how_often_it_is_predicted() -> None:
    """Rows without a prediction count for none, and unknown classes for all of them."""
    found = counted((classes("cat", "dog", "eel"), ["cat", "cat", "dog", None, "fox"]))
    assert found == {"cat": Side(2.0, 4), "dog": Side(1.0, 4), "eel": Side(0.0, 4)}


def test_of_two_classes_one_is_told() -> None:
    """What is not the one is the other."""
    assert counted((classes("0", "1"), ["0", "1", "1"])) == {"1": Side(2.0, 3)}


def test_too_many_classes_are_not_told() -> None:
    """Each would have too little of the chance to err."""
    names = [f"c{number}" for number in range(21)]
    assert counted((classes(*names), names)) == {}


def test_a_number_is_told_by_its_sum() -> None:
    """It has no class."""
    bins = ColumnBins(column("prediction", Role.PREDICTION, Kind.NUMERIC), NUMBERS)
    found = counted((bins, [1.5, 2.5, None]))[""]
    assert found.rows == 2
    assert found.total == pytest.approx(4.0, abs=1e-5)


def test_scores_are_told_before_predictions() -> None:
    """A single score is that of the positive class."""
    bins = ColumnBins(column("score", Role.SCORE, Kind.NUMERIC), NUMBERS)
    found = counted((classes("0", "1"), ["0", "1"]), (bins, [0.25, 0.5]), positive="1")
    assert [(label, side.rows) for label, side in found.items()] == [("1", 2)]
    assert found["1"].total == pytest.approx(0.75, abs=1e-5)


def test_no_rows_tell_nothing() -> None:
    """A stretch in which a version is silent has no side."""
    assert counted((classes("0", "1"), [])) == {}
