from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from monitor.store.counts import load_counts
from monitor.store.database import StateSettings, open_state
from monitor.store.pane import load_panes
from monitor.store.position import load_positions
from monitor.store.segment import remove_unnamed, segments, write_segment

# Each commit counts 7 rows, in four tables and a row segment at once.
_INGEST = """
import sys
from pathlib import Path
import pyarrow as pa
from monitor.store.counts import add_counts
from monitor.store.database import StateSettings, open_state
from monitor.store.pane import save_pane
from monitor.store.position import load_positions, save_position
from monitor.store.segment import add_segment, write_segment
state = open_state(StateSettings(), Path(sys.argv[1]))
with state.read() as connection:
    done = load_positions(connection, "m", "records").get("f", {"row": 0})["row"] // 7
print("open", flush=True)
while True:
    segment = write_segment(state.directory, "m", "1", done, pa.table({"timestamp": [done] * 7}))
    with state.write() as connection:
        save_pane(connection, "m", "1", done, 7, b"x" * 6000)
        done += 1
        add_counts(connection, "m", "records", accepted=7, rejected={"json_syntax": 1})
        add_segment(connection, segment)
        save_position(connection, "m", "records", "f", {"row": done * 7})
    print(done, flush=True)
"""


def _run_and_kill(root: Path, after_seconds: float) -> int:
    """Let a child commit for a while, kill it, and return the last commit that it told of."""
    process = subprocess.Popen([sys.executable, "-c", _INGEST, str(root)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(after_seconds)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return told[-1] if told else 0


def test_a_killed_process_leaves_every_table_at_the_same_commit(tmp_path: Path) -> None:
    """After kill -9 at any moment, position, counts, panes and segments agree, and nothing told of is lost."""
    rng = random.Random(7)
    for _ in range(6):
        told = _run_and_kill(tmp_path, rng.uniform(0.0, 0.08))
        state = open_state(StateSettings(), tmp_path)
        with state.read() as connection:
            row = load_positions(connection, "m", "records").get("f", {"row": 0})["row"]
            counts = load_counts(connection)
            panes = load_panes(connection, "m", 0)
            kept = segments(connection, "m", 0, 1_000_000)
        state.close()
        assert row >= 7 * told
        assert sum(count.accepted for count in counts) == row
        assert sum(count.rejected["json_syntax"] for count in counts) == row // 7
        assert (sum(pane.rows for pane in panes), sum(segment.rows for segment in kept)) == (row, row)


def test_rows_without_a_name_are_removed_at_the_start(tmp_path: Path) -> None:
    """A segment that was written and not named, as by a crash between the two, is gone after the next start."""
    pa = __import__("pyarrow")
    state = open_state(StateSettings(), tmp_path)
    orphan = write_segment(state.directory, "m", "1", 0, pa.table({"timestamp": [1]}))
    removed = remove_unnamed(state)
    state.close()
    assert (removed, (state.directory / "rows" / orphan.name).exists()) == (1, False)
