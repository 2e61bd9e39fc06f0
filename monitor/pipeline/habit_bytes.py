"""What is known of latency and volume, to the store and back, bit for bit."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from monitor.calibration import engine as calibration
from monitor.history import Integers
from monitor.pipeline.habits import Habit, restored
from monitor.pipeline.plan import ModelPlan

_FIGURES = ("source", "stretches", "evidence", "standing", "calm", "detail", "factor", "began")


def habit_bytes(habit: Habit) -> bytes:
    """Pack what changes with every step."""
    head = {name: getattr(habit, name) for name in _FIGURES}
    head["gathered"] = None if habit.gathered is None else len(habit.gathered)
    engine = habit.usual.engine if habit.usual is not None else None
    state = calibration.to_bytes(engine, habit.state) if engine is not None and habit.state is not None else b""
    gathered = b"" if habit.gathered is None else habit.gathered.astype("<i8").tobytes()
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + gathered + state


def history_bytes(habit: Habit) -> bytes:
    """Pack the steps that are learnt from, which change while that lasts."""
    steps, width = len(habit.times), len(habit.counts[0]) if habit.counts else 0
    counts = np.stack(habit.counts) if habit.counts else np.zeros((0, 0), np.int32)
    raw = np.array([steps, width, *habit.times], "<i8").tobytes() + counts.astype("<i4").tobytes()
    packed: bytes = pa.Codec("zstd").compress(raw, asbytes=True)
    return len(raw).to_bytes(8, "little") + packed


def fill_habit(habit: Habit, plan: ModelPlan, kept: bytes, history: bytes) -> None:
    """Fill a new habit with what the store kept of it; evidence on another reference than now is forgotten."""
    if history:
        habit.times, habit.counts = _steps(history)
    if not kept:
        return
    line, _, tail = kept.partition(b"\n")
    head = json.loads(line)
    if head["source"] == "reference" and habit.offered is None:
        return
    restored(habit, plan, head["source"])
    size = 8 * (head["gathered"] or 0)
    engine = habit.usual.engine if habit.usual is not None else None
    state = calibration.from_bytes(engine, tail[size:]) if engine is not None else None
    if engine is not None and state is None:
        habit.state = calibration.start(engine)
        return
    habit.state = state
    habit.gathered = None if head["gathered"] is None else np.frombuffer(tail[:size], "<i8").astype(np.int64)
    for name in _FIGURES:
        setattr(habit, name, head[name])


def _steps(payload: bytes) -> tuple[list[int], list[Integers]]:
    raw = pa.Codec("zstd").decompress(payload[8:], int.from_bytes(payload[:8], "little"), asbytes=True)
    steps, width = (int(n) for n in np.frombuffer(raw[:16], "<i8"))
    times = np.frombuffer(raw, "<i8", count=steps, offset=16).tolist()
    counts = np.frombuffer(raw, "<i4", offset=16 + 8 * steps).reshape(steps, width)
    return times, [np.array(row, np.int32) for row in counts]
