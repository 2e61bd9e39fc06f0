"""Which rows are in which segment."""

from __future__ import annotations

import pyarrow as pa
import pytest

from monitor.record import Column, Kind, Role
from monitor.record_layout import ColumnUnknown
from monitor.segments import SegmentUnfit, segmentations

COLUMNS = [
    Column("carrier", "inputs.carrier", Role.FEATURE, Kind.CATEGORICAL),
    Column("jet", "inputs.jet", Role.FEATURE, Kind.BOOLEAN),
    Column("temp", "inputs.temp", Role.FEATURE, Kind.NUMERIC),
    Column("score", "score", Role.SCORE, Kind.CATEGORICAL),
]
ROWS = pa.table(
    {
        "carrier": ["UA", "AA", "UA", None, "DL", "UA", "AA"],
        "jet": [True, True, False, True, None, True, True],
        "temp": [0.0] * 7,
        "score": ["a"] * 7,
    }
)


def test_the_segments_with_most_rows_are_kept() -> None:
    """Segments stand by their rows, then by name; a row of any other value, or of none, is in no segment."""
    cut = segmentations(ROWS, COLUMNS, [["inputs.carrier"]], 2)[0]
    assert (cut.labels, cut.rows) == (("carrier=UA", "carrier=AA"), (3, 2))
    assert cut.codes(ROWS).tolist() == [0, 1, 0, -1, -1, 0, 1]


def test_a_pair_has_its_columns_sorted() -> None:
    """A pair's segments are the combinations that the reference has, whatever the order of the config."""
    cut = segmentations(ROWS, COLUMNS, [["jet", "carrier"]], 20)[0]
    assert cut.labels == ("carrier=AA,jet=true", "carrier=UA,jet=true", "carrier=UA,jet=false")
    assert cut.codes(ROWS).tolist() == [1, 0, 2, -1, -1, 1, 0]


def test_rows_of_values_that_are_new_are_in_no_segment() -> None:
    """A value that the reference does not hold makes no segment, alone or in a pair."""
    rows = pa.table({"carrier": ["ZZ", "UA"], "jet": [True, None]})
    alone, pair = segmentations(ROWS, COLUMNS, [["carrier"], ["carrier", "jet"]], 20)
    assert (alone.codes(rows).tolist(), pair.codes(rows).tolist()) == ([-1, 0], [-1, -1])


@pytest.mark.parametrize(
    ("name", "error"), [("carier", ColumnUnknown), ("score", ColumnUnknown), ("temp", SegmentUnfit)]
)
def test_only_features_with_categories_make_segments(name: str, error: type[Exception]) -> None:
    """A column that is no feature is unknown, and a number is not fit."""
    with pytest.raises(error):
        segmentations(ROWS, COLUMNS, [[name]], 20)
