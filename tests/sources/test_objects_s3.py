"""A bucket as S3 has it, served on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.objects.source import ObjectStoreSource
from tests.sources.buckets import LAYOUT, Reader, lines
from tests.sources.served import Served, buckets


def source(served: Served, path: str) -> ObjectStoreSource:
    """Return a source of what a path means."""
    settings = {"type": "object_store", "path": path, "every": "0s"} | served.login
    return ObjectStoreSource(ObjectStoreSettings.model_validate(settings), LAYOUT, Path(), clock=served.clock)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Serve a bucket."""
    with buckets("churn") as app:
        yield app


def put(served: Served, key: str, data: bytes) -> None:
    """Put an object."""
    with served.system().open_output_stream(key) as out:
        out.write(data)


def test_a_bucket_is_read_and_what_comes_later_too(served: Served) -> None:
    """Objects below a prefix are read once, in the order of event time, and new ones when they are there."""
    put(served, "churn/a/day=05/x.jsonl", lines(1, 2))
    put(served, "churn/a/day=06/x.csv", b"timestamp,inputs.amount\n2026-01-05T10:03:00Z,3\n")
    put(served, "churn/b/x.jsonl", lines(9))
    reader = Reader(source(served, "s3://churn/a/"))
    assert reader.read() == [1, 2, 3]
    put(served, "churn/a/day=05/late.jsonl", lines(4))
    served.ahead += 60
    assert reader.read() == [4]
    assert Reader(source(served, "s3://churn/a/"), reader.positions).read() == []


def test_a_store_that_asks_to_slow_down_is_degraded_and_healed(served: Served) -> None:
    """503 is told by its name, without address or keys, and what is there is read once the store answers again."""
    put(served, "churn/c/x.jsonl", lines(1))
    reader = Reader(source(served, "s3://churn/c/"))
    served.busy = True
    try:
        assert reader.read() == []
        assert reader.source.away
        assert reader.source.problem() == "s3://churn/c/: cannot be listed now (SLOW_DOWN to ListObjectsV2)"
    finally:
        served.busy = False
    served.ahead += 60
    assert reader.read() == [1]
    assert reader.source.problem() is None


def test_a_bucket_that_is_not_there_is_told(served: Served) -> None:
    """A wrong name of a bucket is told as the store tells it."""
    missing = source(served, "s3://nowhere/logs/")
    assert missing.survey() is None
    assert missing.problem() == "s3://nowhere/logs/: cannot be listed now (NO_SUCH_BUCKET to ListObjectsV2)"


def test_a_large_object_is_read_piece_by_piece(served: Served) -> None:
    """An object that is not had at once is asked for in parts, and a store that fails meanwhile loses nothing."""
    many = b"".join(lines(*range(100), prefix=f"{number}-") for number in range(1000))
    put(served, "churn/d/x.jsonl", many)
    reader = Reader(source(served, "s3://churn/d/"))
    first = reader.read(1)
    served.busy = True
    try:
        assert reader.read() == []
        assert re.fullmatch(
            r"s3://churn/d/: cannot be read now \([A-Z_]+ to GetObject\)", reader.source.problem() or ""
        )
    finally:
        served.busy = False
    served.ahead += 60
    assert len(first) + len(reader.read()) == 100_000
    assert reader.refused() == {}
