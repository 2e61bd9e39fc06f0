"""Tables in a bucket as S3 has it, served on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, copy_files

from tests.sources.lakes import Delta, Iceberg, Reader, arrow, minutes
from tests.sources.served import Served, buckets


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Serve a bucket."""
    with buckets("lake") as app:
        yield app


@pytest.mark.parametrize("type_", ["delta", "iceberg"])
def test_a_table_in_a_bucket_is_read_and_what_comes_later_too(type_: str, served: Served, tmp_path: Path) -> None:
    """A table is read once, goes on where it was read to, and a store that is too busy is degraded and healed."""
    table = Delta(tmp_path / "table") if type_ == "delta" else Iceberg(tmp_path)
    key = f"lake/{type_}/logged"

    def grow(first: int) -> None:
        table.append(arrow(minutes(first, first + 1, first=first)))
        copy_files(str(table.folder), key, source_filesystem=LocalFileSystem(), destination_filesystem=served.system())

    grow(0)
    reader = Reader(type_, f"s3://{key}/", None, **served.login)
    assert reader.read() == [0, 1]
    grow(2)
    served.busy = True
    try:
        assert reader.read() == []
        problem = reader.source.problem() or ""
    finally:
        served.busy = False
    assert reader.source.away
    assert problem.startswith(f"s3://{key}/: cannot be ")
    assert "127.0.0.1" not in problem
    reader.ahead += 60
    assert reader.read() == [2, 3]
    assert (reader.told(), reader.source.problem()) == ([], None)
    assert Reader(type_, f"s3://{key}/", reader.positions, **served.login).read() == []
