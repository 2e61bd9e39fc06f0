"""The spool: frames, segments, and what a crash leaves of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sampling import mixed
from monitor.sources.spool import segments, stream
from monitor.sources.spool.frames import Content, cut, written
from monitor.sources.spool.remembered import Remembered
from monitor.sources.spool.writer import Spool, SpoolFull, Syncer

FIRST, SECOND = (written(Content.RECORDS, at, data, {}) for at, data in ((1, b"{}\n"), (2, b'{"a":1}\n{"a":2}\n')))
MINUTE = 60_000_000


def spool(folder: Path, committed: int = 0, capacity: int = 2**20) -> Spool:
    """Return the writing end of a spool of which so much has been read."""
    return Spool(folder, capacity, lambda: committed)


def read_all(folder: Path, place: int = 0) -> tuple[list[bytes], int]:
    """Return what frames hold from a place on, and how many bytes are lost."""
    found, lost = [], 0
    while (stretch := stream.read(folder, place, 1)).end > place:
        found += [frame.data for frame in stretch.frames]
        lost, place = lost + stretch.lost, stretch.end
    return found, lost


@given(st.lists(st.binary(max_size=50).map(lambda data: data + b"\n"), max_size=5), st.integers(0, 400))
def test_a_stream_cut_anywhere_gives_its_whole_frames(contents: list[bytes], length: int) -> None:
    """Of any first part of a stream the frames that are whole are read, and none that is not."""
    frames = [written(Content.RECORDS, 5, data, {}) for data in contents]
    ends = np.cumsum([0, *map(len, frames)])
    found = cut(b"".join(frames)[:length], 100)
    assert [frame.data for frame in found.frames] == contents[: int((ends[1:] <= length).sum())]
    assert not found.damaged


def test_a_frame_tells_what_it_holds() -> None:
    """Kind, time, place, data and counts come back as they were written."""
    frame = cut(FIRST + written(Content.RECORDS, 7, b"", {"json_syntax": 2}), 0).frames[1]
    assert (frame.at, frame.start, frame.data, dict(frame.rejected)) == (7, len(FIRST), b"", {"json_syntax": 2})


@pytest.mark.parametrize("place", range(len(FIRST)))
def test_a_changed_byte_is_damage(place: int) -> None:
    """Whichever byte of a frame is another, the frame is not taken for one."""
    changed = bytearray(FIRST)
    changed[place] ^= 1
    found = cut(bytes(changed) + SECOND, 0)
    assert b"{}\n" not in [frame.data for frame in found.frames]


def test_what_was_written_is_read_on_from_any_frame(tmp_path: Path) -> None:
    """A place in the stream leads to the same frames, whichever segment they stand in."""
    for frames in (FIRST, SECOND):
        with_end = spool(tmp_path)  # each opening begins a segment
        with_end.write(frames)
        with_end.close()
    assert len(segments.segments(tmp_path)) == 2
    assert read_all(tmp_path) == ([b"{}\n", b'{"a":1}\n{"a":2}\n'], 0)
    assert read_all(tmp_path, len(FIRST)) == ([b'{"a":1}\n{"a":2}\n'], 0)


@pytest.mark.parametrize("torn", [SECOND[:5], SECOND[:-1], b"\x00" * 300, b"#r 1 3 00000000 {}\n{}\n"])
def test_what_a_crash_left_half_written_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    """A frame that was never answered for is gone after a restart, and the stream goes on before it."""
    first = spool(tmp_path)
    first.write(FIRST)
    first.close()
    with segments.segments(tmp_path)[0].path.open("ab") as file:
        file.write(torn)
    again = spool(tmp_path)
    again.write(SECOND)
    again.close()
    assert read_all(tmp_path) == ([b"{}\n", b'{"a":1}\n{"a":2}\n'], 0)


def test_a_large_frame_is_found_whole_after_a_restart(tmp_path: Path) -> None:
    """A frame larger than what is read at once is kept, too."""
    first = spool(tmp_path)
    first.write(written(Content.RECORDS, 1, b"x" * 100_000 + b"\n", {}))
    first.close()
    descriptor = os.open(segments.segments(tmp_path)[0].path, os.O_RDONLY)
    try:
        assert stream.whole_until(descriptor, 0, step=1000) == first.waiting
    finally:
        os.close(descriptor)


def test_damage_amid_a_stream_is_counted_and_passed(tmp_path: Path) -> None:
    """Bytes of an older segment that are no frame are lost, said so, and what follows is read."""
    for frames in (FIRST, SECOND):
        part = spool(tmp_path)
        part.write(frames)
        part.close()
    segments.segments(tmp_path)[0].path.write_bytes(b"?" * len(FIRST))
    assert read_all(tmp_path) == ([b'{"a":1}\n{"a":2}\n'], len(FIRST))


def test_a_spool_that_was_removed_goes_on_where_it_was_read(tmp_path: Path) -> None:
    """Without its files a spool begins at the place that was read last, not at one that was read already."""
    again = spool(tmp_path / "new", committed=1000)
    again.write(FIRST)
    again.close()
    assert read_all(tmp_path / "new", 1000) == ([b"{}\n"], 0)


def test_segments_go_once_they_are_read(tmp_path: Path) -> None:
    """A segment is removed when the next one begins at or before the place; the last one never is."""
    for frames in (FIRST, SECOND):
        part = spool(tmp_path)
        part.write(frames)
        part.close()
    segments.remove_before(tmp_path, len(FIRST) - 1)
    assert len(segments.segments(tmp_path)) == 2
    segments.remove_before(tmp_path, 10_000)
    assert [segment.start for segment in segments.segments(tmp_path)] == [len(FIRST)]


def test_more_than_there_is_room_for_is_put_off(tmp_path: Path) -> None:
    """What would make more wait than the capacity is refused, and nothing of it is written."""
    syncer, part = Syncer(), spool(tmp_path, capacity=len(FIRST) + 1)
    syncer.append(part, FIRST, lambda _: None)
    with pytest.raises(SpoolFull):
        syncer.append(part, FIRST, lambda _: None)


def test_what_is_given_is_on_the_disk_when_it_is_said(tmp_path: Path) -> None:
    """Every frame that was given together is there when each is called back, in order."""
    syncer, part = Syncer(), spool(tmp_path)
    done: list[tuple[OSError | None, int]] = []
    for frame in (FIRST, SECOND):
        syncer.append(part, frame, lambda error: done.append((error, len(read_all(tmp_path)[0]))))
    syncer.start()
    syncer.stop()
    assert done == [(None, 2), (None, 2)]


def test_a_failed_write_leaves_nothing_and_is_told(tmp_path: Path) -> None:
    """Where the folder cannot be written, who gave the frame hears of it; the next write begins anew."""
    syncer, part = Syncer(), spool(tmp_path / "file")
    (tmp_path / "file").touch()
    told: list[OSError | None] = []
    syncer.append(part, FIRST, told.append)
    syncer.start()
    syncer.stop()
    assert [type(error) for error in told] == [FileExistsError]
    assert (part.waiting, part.trouble) == (0, "File exists")


def test_a_write_that_fails_midway_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of a write whose sync failed are not read: the stream goes on before them."""
    part = spool(tmp_path)
    part.write(FIRST)
    real = os.fdatasync

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        part.write(SECOND)
    monkeypatch.setattr(os, "fdatasync", real)
    part.write(SECOND)
    part.close()
    assert read_all(tmp_path) == ([b"{}\n", b'{"a":1}\n{"a":2}\n'], 0)


def fed(memory: Remembered, stretches: Sequence[tuple[int, list[int]]]) -> list[list[bool]]:
    """Return what a memory says of hashes, by minute."""
    return [
        memory.repeats(np.array(hashes, np.uint64), minute * MINUTE, place).tolist()
        for place, (minute, hashes) in enumerate(stretches)
    ]


def test_what_came_already_is_known() -> None:
    """A hash is a repeat if it came before, in the same part or an earlier one; once it is old it is not."""
    memory = Remembered(8 * MINUTE)
    found = fed(memory, [(0, [1, 2, 1]), (0, [2, 3]), (8, [1, 4]), (9, [3, 4]), (18, [4])])
    assert found == [[False, False, True], [True, False], [True, False], [False, True], [False]]


def test_a_memory_is_the_same_when_its_stretch_is_read_again() -> None:
    """Read again from the place that it names, a memory says the same of whatever follows."""
    rng = np.random.default_rng(3)
    stretches = [(minute // 3, rng.integers(0, 40, 5).tolist()) for minute in range(120)]
    whole = Remembered(8 * MINUTE, most=60)
    fed(whole, stretches[:90])
    since = whole.since(90)
    again = Remembered(8 * MINUTE, most=60)
    for place in range(since, 90):
        again.repeats(np.array(stretches[place][1], np.uint64), stretches[place][0] * MINUTE, place)
    assert 0 < since < 90
    assert fed(whole, stretches[90:]) == fed(again, stretches[90:])


def test_no_more_is_remembered_than_allowed() -> None:
    """What is over the limit is forgotten, the oldest first."""
    memory = Remembered(8 * MINUTE, most=3)
    assert fed(memory, [(0, [1, 2]), (1, [3, 4]), (2, [1, 3])]) == [[False] * 2, [False] * 2, [False, True]]


def test_of_many_exactly_those_that_came_are_known() -> None:
    """Among a hundred thousand ids what came already, in this batch or before, is what a set of them says."""
    memory, seen, rng = Remembered(8 * MINUTE), set[int](), np.random.default_rng(0)
    for batch in range(40):
        hashes = mixed(rng.integers(0, 200_000, 2_500).astype(np.uint64))
        again = memory.repeats(hashes, batch * MINUTE // 10, batch).tolist()
        for hash_, came in zip(hashes.tolist(), again, strict=True):
            assert came == (hash_ in seen)
            seen.add(hash_)
