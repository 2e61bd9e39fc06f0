"""Whatever is done to the files of a log: every whole line comes once, or its loss is reported."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.sources.files import FilesSettings
from monitor.sources.position import key_of
from monitor.sources.reader import Plain
from monitor.sources.recognise import is_same
from tests.sources.logs import Reader, line

_TICK_SECONDS = 0.004  # longer than the tick of a file system's clock


class FilesMachine(RuleBasedStateMachine):
    """A writer, an operator and a reader at one log, and what must hold between them."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.live = self.root / "app.jsonl"
        self.ahead = 0.0
        self.serial = 0
        self.written: set[int] = set()
        self.half: tuple[Path, bytes, int] | None = None
        self.torn = 0
        self.at_risk: dict[int, int] = {}
        self.rotations = 0
        self.seen_unread: dict[str, int] = {}

    @initialize(block=st.sampled_from([64, 500, 2**20]))
    def start(self, block: int) -> None:
        settings_ = FilesSettings(path="app.jsonl*", max_line=4096)
        self.reader = Reader(self.root, settings_, block_bytes=block, clock=lambda: time.time() + self.ahead)

    def teardown(self) -> None:
        if hasattr(self, "reader"):
            self.check_all_is_read()
            self.reader.source.close()
        shutil.rmtree(self.root)

    # -- the writer ----------------------------------------------------------------------------------

    def _append(self, path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)
        self._touch(path)

    def _touch(self, path: Path) -> None:
        """Let file times go by the machine's clock, and each change have its own."""
        os.utime(path, times=(time.time() + self.ahead,) * 2)
        time.sleep(_TICK_SECONDS)

    def _next(self) -> bytes:
        self.serial += 1
        return line(self.serial, pad=self.serial * 37 % 100)

    @rule(lines=st.integers(1, 6))
    def write(self, lines: int) -> None:
        self._finish_half()
        for _ in range(lines):
            self._append(self.live, self._next())
            self.written.add(self.serial)

    @precondition(lambda self: self.half is None)
    @rule(share=st.floats(0.1, 0.9))
    def write_half(self, share: float) -> None:
        whole = self._next()
        cut = max(1, int(len(whole) * share))
        self._append(self.live, whole[:cut])
        self.half = (self.live, whole[cut:], self.serial)

    @rule()
    def write_rest(self) -> None:
        self._finish_half()

    def _finish_half(self) -> None:
        if self.half:
            path, rest, serial = self.half
            self._append(path, rest)
            self.written.add(serial)
            self.half = None

    # -- the reader ----------------------------------------------------------------------------------

    @rule(steps=st.integers(1, 5))
    def read(self, steps: int) -> None:
        for _ in range(steps):
            if self.reader.step() is None:
                break

    @rule()
    def read_and_crash(self) -> None:
        self.reader.source.read(self.reader.positions)
        self.reader.restart()

    @rule()
    def restart(self) -> None:
        self.reader.restart()

    @rule()
    def wait(self) -> None:
        self._give_up_half()
        self.ahead += 10

    # -- the operator --------------------------------------------------------------------------------

    def _rotated(self) -> Path:
        self.rotations += 1
        return self.root / f"app.jsonl.{self.rotations}"

    @precondition(lambda self: self.live.exists())
    @rule(finish=st.booleans())
    def rename(self, finish: bool) -> None:
        """A half line may be finished in the renamed file, or stays torn for good."""
        target = self._rotated()
        self._touch(self.live.rename(target))
        if self.half:
            self.half = (target, *self.half[1:])
            if finish:
                self._finish_half()

    @precondition(lambda self: self.live.exists())
    @rule(read_between=st.booleans(), grown=st.integers(0, 3))
    def copy_and_truncate(self, read_between: bool, grown: int) -> None:
        """What is read between copy and truncation is not in the copy, and must not come twice."""
        self._finish_half()
        self._touch(Path(shutil.copyfile(self.live, self._rotated())))
        if read_between:
            self.read(3)
            self.write(1)
            self.read(1000)
        self._truncate()
        self.write(grown) if grown else None

    @precondition(lambda self: self.live.exists())
    @rule(grown=st.integers(0, 8))
    def cut_short(self, grown: int) -> None:
        self._risk(self.live)
        self._truncate()
        self.write(grown) if grown else None

    @precondition(lambda self: self.live.exists())
    @rule(again=st.booleans())
    def delete(self, again: bool) -> None:
        self._risk(self.live)
        self.live.unlink()
        if again:
            self.write(1)

    @precondition(lambda self: self.rotations)
    @rule()
    def pack(self) -> None:
        """The last rotated file is packed, and its original removed."""
        path = self.root / f"app.jsonl.{self.rotations}"
        if path.exists() and not (self.half and self.half[0] == path):
            packed = path.with_name(path.name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            self._touch(packed)
            path.unlink()

    def _truncate(self) -> None:
        self.half = None
        with self.live.open("r+b") as file:
            file.truncate(0)
        self._touch(self.live)

    def _give_up_half(self) -> None:
        """A half line in a file that is no longer written is never finished."""
        if self.half and self.half[0] != self.live:
            self.half = None
            self.torn += 1

    def _risk(self, path: Path) -> None:
        """What stands in a file that is destroyed may be lost; what the reader had seen of it must be reported."""
        found = path.stat()
        position = self.reader.positions.get(key_of(found.st_dev, found.st_ino))
        with path.open("rb") as file:
            if position and is_same(Plain(file.fileno()), position):
                self.seen_unread[position.token] = max(0, position.size - position.offset)
        self.half = None if self.half and self.half[0] == path else self.half
        for text in path.read_bytes().splitlines(keepends=True):
            serial = int(text.split(b'"request_id": "')[1].split(b'"')[0]) if text.endswith(b"\n") else None
            if serial:
                self.at_risk[serial] = len(text)

    # -- what must hold ------------------------------------------------------------------------------

    @invariant()
    def nothing_comes_twice(self) -> None:
        if hasattr(self, "reader"):
            twice = [serial for serial, count in Counter(self.reader.serials).items() if count > 1]
            assert not twice

    def check_all_is_read(self) -> None:
        self._give_up_half()
        self.ahead += 10
        self.reader.drain()
        self.ahead += 10
        self.reader.drain()
        self.nothing_comes_twice()
        missing = self.written - set(self.reader.serials)
        assert missing <= set(self.at_risk)
        assert set(self.reader.serials) <= self.written
        assert set(self.reader.reasons) <= {"torn"}
        assert self.reader.bytes_lost == sum(self.seen_unread.values())


FilesMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFiles = FilesMachine.TestCase
