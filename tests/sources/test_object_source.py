"""Objects of a bucket, each read once, whatever the store does meanwhile."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import SourceUnavailable
from monitor.sources.objects.names import PER_POSITION, Names
from monitor.sources.objects.store import Entry
from monitor.sources.position import Position
from tests.sources.buckets import SECOND, Bucket, Reader, lines


def parquet(*minutes: int) -> bytes:
    """Return records as a file of Parquet, flat, that lacks the column a folder gives."""
    times = pa.array([f"2026-01-05T10:{at:02d}:00Z" for at in minutes])
    sink = io.BytesIO()
    pq.write_table(pa.table({"timestamp": times, "amount": [float(at) for at in minutes]}), sink)
    return sink.getvalue()


@pytest.fixture
def bucket() -> Bucket:
    """Return an empty bucket."""
    return Bucket()


def test_what_comes_later_is_read_once_wherever_its_key_sorts(bucket: Bucket) -> None:
    """An object that is put later is read, also where its key sorts before those that were read; none is read twice."""
    reader = Reader(bucket.source())
    bucket.put("b/logs/day=05/x.jsonl", lines(1, 2))
    assert reader.read() == [1, 2]
    bucket.put("b/logs/day=04/late.jsonl", lines(3))
    bucket.put("b/logs/day=06/x.jsonl.gz", gzip.compress(lines(4)))
    assert sorted(reader.read()) == [3, 4]
    again = Reader(bucket.source(), reader.positions)
    assert again.read() == []


def test_only_what_is_meant_is_read(bucket: Bucket) -> None:
    """A pattern's folders alone are looked in; what Spark and others leave beside the data is passed over."""
    for key in ("b/logs/a/x.jsonl", "b/logs/b/x.jsonl", "b/logs/a/_SUCCESS", "b/logs/a/y.csv", "b/else/a/x.jsonl"):
        bucket.put(key, lines(1))
    assert Reader(bucket.source("b/logs/a*/*.jsonl")).read() == [1]
    assert set(bucket.listings) == {"b/logs", "b/logs/a"}


@pytest.mark.parametrize("kept", [0, 1, 2, 5])
def test_a_kill_between_two_batches_loses_and_doubles_nothing(bucket: Bucket, kept: int) -> None:
    """A source that goes on from the positions of any batch gives what the one before would have given."""
    bucket.put("b/logs/1.jsonl", lines(*range(20)))
    bucket.put("b/logs/2.jsonl", lines(*range(20, 40)))
    bucket.put("b/logs/3.csv", b"timestamp,inputs.amount\n2026-01-05T11:00:00Z,60\n")
    whole = Reader(bucket.source(block_bytes=200, max_line=200))
    expected = whole.read()
    before = Reader(bucket.source(block_bytes=200, max_line=200))
    first = before.read(kept)
    after = Reader(bucket.source(block_bytes=200, max_line=200), before.positions)
    assert first + after.read() == expected == [*range(40), 60]
    assert [batch.table.num_rows for batch in before.batches + after.batches] == [
        batch.table.num_rows for batch in whole.batches
    ]


def test_an_object_that_changed_is_told_once_and_not_read_again(bucket: Bucket) -> None:
    """An object that is written over after it was read is counted as replaced, once for each time."""
    reader = Reader(bucket.source())
    bucket.put("b/logs/x.jsonl", lines(1))
    assert reader.read() == [1]
    bucket.now += 60
    bucket.put("b/logs/x.jsonl", lines(1, 2))
    assert reader.read() == []
    assert Reader(bucket.source(), reader.positions).read() == []
    assert reader.refused() == {"replaced": 1}


def test_an_object_that_changes_while_it_is_read_is_not_mixed(bucket: Bucket) -> None:
    """The rest of an object that became another is not read, and is counted as lost."""
    bucket.put("b/logs/x.jsonl", lines(*range(20)))
    before = Reader(bucket.source(block_bytes=200, max_line=200))
    read = before.read(1)
    bucket.now += 60
    bucket.put("b/logs/x.jsonl", lines(*range(50, 70)))
    after = Reader(bucket.source(), before.positions)
    assert after.read() == []
    assert 0 < len(read) < 20
    assert after.refused() == {"lost": 1, "replaced": 1}


def test_half_a_file_is_waited_for_then_refused(bucket: Bucket) -> None:
    """Parquet without its end is left alone while it is young, then refused with its reason; made whole, it is read."""
    data = parquet(1, 2)
    bucket.put("b/logs/x.parquet", data[: len(data) // 2])
    reader = Reader(bucket.source(wait="5m"))
    assert reader.read() == []
    assert reader.source.away
    assert reader.source.problem() == f"b/logs/x.parquet: not a Parquet file, or not complete, {len(data) // 2} bytes"
    bucket.now += 301
    assert reader.read() == []
    assert reader.refused() == {"unreadable": 1}
    bucket.put("b/logs/x.parquet", data)
    assert reader.read() == [1, 2]
    assert reader.refused() == {"unreadable": 1}


def test_a_busy_store_is_asked_less_and_less_and_healed(bucket: Bucket) -> None:
    """A store that asks to slow down is left alone for a second, then two; what it holds is read when it answers."""
    bucket.put("b/logs/x.jsonl", lines(1))
    bucket.busy = 2
    reader = Reader(bucket.source())
    tried = []
    for _ in range(5):
        tried.append((reader.read(), bucket.busy))
        bucket.now += 1
    assert tried == [([], 1), ([], 0), ([], 0), ([1], 0), ([], 0)]
    assert reader.source.problem() is None
    assert not reader.source.away


def test_trouble_is_told_and_ends_a_replay(bucket: Bucket) -> None:
    """A daemon says why nothing comes; a replay, which is to be whole, fails."""
    bucket.busy = 2
    live = bucket.source()
    assert live.read({}) is None
    assert live.away
    assert live.problem() == "b/logs/: cannot be listed now (SLOW_DOWN to ListObjectsV2)"
    with pytest.raises(SourceUnavailable, match="SLOW_DOWN"):
        bucket.source(at_rest=True).read({})


def test_an_object_that_is_removed_is_passed_over(bucket: Bucket) -> None:
    """What is gone between its listing and its reading is no failure."""
    bucket.put("b/logs/1.jsonl", lines(1))
    bucket.put("b/logs/2.jsonl", lines(2))
    reader = Reader(bucket.source(block_bytes=100))
    assert reader.read(1) == [1]
    del bucket.objects["b/logs/2.jsonl"]
    reader.source.close()
    assert reader.read() == []
    assert reader.source.problem() is None


def test_writers_side_by_side_are_merged_in_event_time(bucket: Bucket) -> None:
    """Of objects of several writers that which begins first is read next, and no window closes past the others."""
    bucket.put("b/logs/a/1.jsonl", lines(0, 9))
    bucket.put("b/logs/a/2.jsonl", lines(10, 19))
    bucket.put("b/logs/b/1.jsonl", lines(5, 14))
    reader = Reader(bucket.source())
    assert reader.read() == [0, 9, 5, 14, 10, 19]
    minutes = [None if batch.hold is None else batch.hold // 60_000_000 % 60 for batch in reader.batches]
    assert minutes == [5, 10, None]
    assert all(batch.begins for batch in reader.batches)


def test_folders_give_columns(bucket: Bucket) -> None:
    """A column that a folder's name gives is read where the file has none of its own."""
    bucket.put("b/logs/day=05/amount=7/x.parquet", parquet(1))
    sink = io.BytesIO()
    pq.write_table(pa.table({"timestamp": ["2026-01-05T10:02:00Z"]}), sink)
    bucket.put("b/logs/day=05/amount=7/y.parquet", sink.getvalue())
    assert Reader(bucket.source()).read() == [1, 7]


@pytest.mark.parametrize(("name", "what"), [("_delta_log/0.json", "Delta"), ("metadata/1.metadata.json", "Iceberg")])
def test_a_table_s_files_are_not_read_as_they_lie(bucket: Bucket, name: str, what: str) -> None:
    """A table of a format that writes files anew is refused in words, before any of its rows counts."""
    bucket.put("b/logs/1.parquet", parquet(1))
    bucket.put(f"b/logs/{name}", b"{}")
    reader = Reader(bucket.source())
    assert reader.read() == []
    told = reader.source.problem() or ""
    assert f" {what} table," in told
    assert told.endswith(f"expected type: {what.lower()}")


def test_names_stay_bounded_and_what_is_forgotten_counts_as_read() -> None:
    """Names beyond the bound are forgotten, the oldest first, and by their time of change are still known as read."""
    entries = [Entry(f"b/{number:05d}", 1, number * SECOND) for number in range(6 * PER_POSITION)]
    names, positions = Names({}, most=2 * PER_POSITION), dict[str, Position]()
    for entry in entries:
        key, at = names.begun(entry, oldest_unread=entry.changed)
        positions[key] = names.with_name(at, entry)
        names.keep(key, positions[key])
    assert len(positions) == 3
    for known in (names, Names(positions, most=2 * PER_POSITION)):
        assert len(known) <= 3 * PER_POSITION
        told = known.look_up([*entries, Entry("b/00000-late", 1, entries[-1].changed)])
        assert told.known.tolist() == [True] * len(entries) + [False]
        assert not told.changed.any()


def test_a_record_that_is_put_twice_counts_once(bucket: Bucket) -> None:
    """A record whose id stands in an object put within ``dedup`` is refused, also after a kill; later it is another."""
    bucket.put("b/logs/1.jsonl", lines(1, 2, 2))
    reader = Reader(bucket.source(dedup="10m"))
    assert reader.read() == [1, 2]
    bucket.now += 300
    bucket.put("b/logs/2.jsonl", lines(2, 3))
    after = Reader(bucket.source(dedup="10m"), reader.positions, reader.batches)
    assert after.read() == [3]
    bucket.now += 700
    bucket.put("b/logs/3.jsonl", lines(3))
    assert after.read() == [3]
    assert after.refused() == {"duplicate": 2}


def test_a_kill_within_an_object_keeps_its_repeats_known(bucket: Bucket) -> None:
    """What stood in the part of an object that was read is known again by the reader that goes on with it."""
    bucket.put("b/logs/1.jsonl", lines(*range(10)) + lines(*range(12)))
    before = Reader(bucket.source(block_bytes=200, max_line=200))
    first = before.read(4)
    after = Reader(bucket.source(block_bytes=200, max_line=200), before.positions)
    assert first + after.read() == [*range(12)]
    assert 0 < len(first) < 10
