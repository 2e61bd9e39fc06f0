"""What goes to a child and back."""

from __future__ import annotations

import pyarrow as pa
import pytest

from monitor.workers import pack, unpack


def test_tables_come_back_as_they_were() -> None:
    """Words, figures and tables come back as they were given, in order."""
    tables = [pa.table({"x": [1.5, None]}), pa.table({"y": ["a", "é"]})]
    body, found = unpack(pack({"level": 0.1}, tables))
    assert body == {"level": 0.1}
    assert found == tables


@pytest.mark.parametrize("left", [0, 5, 12])
def test_what_is_cut_off_is_refused(left: int) -> None:
    """Bytes that are not whole are no answer."""
    with pytest.raises(ValueError, match=r"cut off|empty"):
        unpack(pack({"a": 1}, [pa.table({"x": [1]})])[:left])
