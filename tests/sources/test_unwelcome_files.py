"""What is no regular file, no record or no end is refused, skipped or waited for in bounded memory and time."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.sources.files import FilesSettings
from tests.sources.logs import Reader, line

ALL = FilesSettings(path="logs/*")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return the folder that the pattern is about."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def test_a_fifo_is_refused_and_the_others_are_read(tmp_path: Path, logs: Path) -> None:
    """A FIFO is never opened, so it cannot block; the problem names it."""
    os.mkfifo(logs / "pipe.jsonl")
    (logs / "a.jsonl").write_bytes(line(1))
    reader = Reader(tmp_path, ALL).drain()

    assert reader.serials == [1]
    assert reader.source.problem() == "logs/pipe.jsonl: not_regular_file (a FIFO)"
    assert reader.source.matches() == [logs / "a.jsonl"]


@pytest.mark.parametrize("inner", ["secret.jsonl", "/dev/null"])
def test_a_link_out_of_its_folder_is_refused(tmp_path: Path, logs: Path, inner: str) -> None:
    """A link shows no file that the pattern was not meant for."""
    (tmp_path / "secret.jsonl").write_bytes(line(1))
    (logs / "a.jsonl").symlink_to(tmp_path / inner)
    reader = Reader(tmp_path, ALL).drain()

    assert reader.serials == []
    assert "not_regular_file" in (reader.source.problem() or "")


def test_a_folder_behind_a_link_is_refused(tmp_path: Path, logs: Path) -> None:
    """A linked folder does not widen a pattern either."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.jsonl").write_bytes(line(1))
    (logs / "in").symlink_to(tmp_path / "other")

    assert Reader(tmp_path, FilesSettings(path="logs/*/*")).drain().serials == []


def test_a_link_within_its_folder_may_be_swapped(tmp_path: Path, logs: Path) -> None:
    """A link that is pointed elsewhere in one step is a rotation."""
    for serial in (1, 2):
        (logs / f".{serial}").write_bytes(line(serial))
    current = logs / "current.jsonl"
    current.symlink_to(logs / ".1")
    reader = Reader(tmp_path, ALL).drain()
    (logs / "next").symlink_to(logs / ".2")
    (logs / "next").rename(current)

    assert reader.drain().serials == [1, 2]


def test_a_missing_folder_is_a_problem_not_an_error(tmp_path: Path) -> None:
    """A mount that is not there yet is waited for."""
    reader = Reader(tmp_path, FilesSettings(path="nowhere/*.jsonl"))

    assert reader.drain().serials == []
    assert reader.source.problem() == "no file matches nowhere/*.jsonl"


def test_a_hole_is_jumped_over(tmp_path: Path, logs: Path) -> None:
    """A gigabyte of nothing before a line costs neither time nor memory."""
    log = logs / "a.jsonl"
    with log.open("wb") as file:
        file.seek(2**30)
        file.write(line(1) + line(2))
    tracemalloc.start()
    began = time.monotonic()
    reader = Reader(tmp_path, ALL).drain()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert reader.serials == [1, 2]
    assert not reader.rejected
    assert time.monotonic() - began < 5
    assert peak < 16 * 2**20


def test_a_line_too_long_is_counted_once_and_the_next_is_read(tmp_path: Path, logs: Path) -> None:
    """Longer than a block or not, ended or not yet: it is one refusal."""
    settings = FilesSettings(path="logs/*", max_line=500)
    log = logs / "a.jsonl"
    log.write_bytes(line(1) + b"x" * 5000)
    reader = Reader(tmp_path, settings, block_bytes=1).drain()
    with log.open("ab") as file:
        file.write(b"y" * 5000 + b"\n" + line(2) + b"z" * 600 + b"\n" + line(3))
    reader.restart()

    assert reader.drain().serials == [1, 2, 3]
    assert reader.reasons == ["too_long", "too_long"]


@pytest.mark.parametrize("size", [499, 500, 501])
def test_the_limit_of_a_line_holds_to_the_byte(tmp_path: Path, logs: Path, size: int) -> None:
    """A line of exactly the limit is read, whatever the block."""
    text = line(1, pad=size - len(line(1)) + 1).rstrip(b"\n")
    (logs / "a.jsonl").write_bytes(text + b"\n")
    for block in (1, 2**20):
        reader = Reader(tmp_path, FilesSettings(path="logs/*", max_line=500), block_bytes=block).drain()
        assert len(text) == size
        assert (reader.serials == [1]) is (size <= 500)


def test_a_header_with_one_name_twice_is_refused_once(tmp_path: Path, logs: Path) -> None:
    """The file is set aside with a clear reason, however it grows, until another takes its place."""
    log = logs / "a.csv"
    log.write_bytes(b"timestamp,temp,temp\n2013-07-01,1,2\n")
    reader = Reader(tmp_path, ALL).drain()
    with log.open("ab") as file:
        file.write(b"2013-07-01,1,2\n")
    reader.restart()

    assert reader.drain().reasons == ["unreadable"]
    assert reader.source.problem() == "logs/a.csv: columns 2 and 3 of the header have one name"


@pytest.mark.parametrize(
    ("kept", "more", "least"), [(-2000, b"", 1000), (None, b"no gzip", 5000)], ids=["cut", "garbled"]
)
def test_a_damaged_stream_gives_what_comes_before(
    tmp_path: Path, logs: Path, kept: int | None, more: bytes, least: int
) -> None:
    """Whole lines before the damage are read; the rest is refused once, and the daemon goes on."""
    packed = gzip.compress(b"".join(line(serial) for serial in range(5000)))
    (logs / "a.jsonl.gz").write_bytes(packed[:kept] + more)
    reader = Reader(tmp_path, ALL, at_rest=True).drain()

    assert reader.serials == list(range(len(reader.serials)))
    assert len(reader.serials) >= least
    assert reader.reasons[-1] == "unreadable"
    assert reader.reasons.count("unreadable") == 1


def test_a_bomb_of_a_stream_is_one_line_too_long(tmp_path: Path, logs: Path) -> None:
    """A gigabyte packed into a megabyte is skipped in constant memory."""
    (logs / "a.jsonl.gz").write_bytes(gzip.compress(b"x" * 100 * 2**20 + b"\n" + line(1)))
    tracemalloc.start()
    reader = Reader(tmp_path, ALL, at_rest=True).drain()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert reader.serials == [1]
    assert reader.reasons == ["too_long"]
    assert peak < 32 * 2**20


def test_a_parquet_file_in_the_making_is_waited_for(tmp_path: Path, logs: Path) -> None:
    """Without its footer it is not refused while it is young, and read once it is whole."""
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"timestamp": ["2013-07-01"], "request_id": ["1"]}), whole)
    (logs / "a.parquet").write_bytes(whole.read_bytes()[:-10])
    reader = Reader(tmp_path, ALL).drain()
    assert reader.reasons == []
    (logs / "a.parquet").write_bytes(whole.read_bytes())

    assert reader.drain().serials == [1]


def test_a_file_that_is_no_parquet_is_refused_once(tmp_path: Path, logs: Path) -> None:
    """A broken file does not stop the others, and is counted once."""
    (logs / "a.parquet").write_bytes(b"not Parquet at all, but long enough")
    (logs / "b.jsonl").write_bytes(line(1))
    reader = Reader(tmp_path, ALL, at_rest=True).drain()
    reader.restart()

    assert reader.drain().serials == [1]
    assert reader.reasons == ["unreadable"]


def test_no_refusal_repeats_what_it_refused(tmp_path: Path, logs: Path) -> None:
    """A refused record's detail tells type and length, never its values."""
    (logs / "a.jsonl").write_bytes(
        b'{"timestamp":"canary"}\n{"canary":\n["canary"]\n{"timestamp":1,"timestamp":2,"x":"canary"}\n"\xffcanary"\n'
    )
    reader = Reader(tmp_path, ALL).drain()

    assert len(reader.rejected) == 5
    assert not any("canary" in fault.detail for fault in reader.rejected)
