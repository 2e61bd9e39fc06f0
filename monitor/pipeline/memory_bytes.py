"""What a judge remembers between steps, and its drift alert; to the store and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from monitor.alert import AlertState, DriftAlert
from monitor.calibration import engine as calibration
from monitor.judge import Judge, Memory, first_memory

_COUNT = np.dtype("<i8")


def step_bytes(judge: Judge, memory: Memory) -> bytes:
    """Return all of a memory but the engine's state."""
    head = {
        "reference": judge.reference.id,
        "rows": memory.rows,
        "evidence": memory.evidence,
        "parts": memory.parts,
        "began": memory.began,
        "sizes": [len(counts) for counts in memory.counts],
        "gathered": memory.missing is not None,
    }
    arrays = [*memory.counts, memory.missing] if memory.missing is not None else []
    return (
        json.dumps(head, separators=(",", ":")).encode()
        + b"\n"
        + b"".join(array.astype(_COUNT).tobytes() for array in arrays)
    )


def memory_from(judge: Judge, step: bytes, engine: bytes) -> Memory:
    """Return a judge's memory; a fresh one where what was kept is of another reference."""
    fresh = first_memory(judge)
    head_line, _, tail = step.partition(b"\n")
    head = json.loads(head_line)
    if head.get("reference") != judge.reference.id:
        return fresh
    state = None
    if judge.engine is not None:
        state = calibration.from_bytes(judge.engine, engine)
        if state is None:
            return fresh
    memory = replace(
        fresh, state=state, evidence=head["evidence"], parts=tuple(head["parts"]), began=tuple(head["began"])
    )
    if not head["gathered"]:
        return memory
    flat = np.frombuffer(tail, _COUNT).astype(np.int64)
    ends = np.cumsum([0, *head["sizes"]]).tolist()
    counts = tuple(flat[a:b] for a, b in pairwise(ends))
    return replace(memory, rows=head["rows"], counts=counts, missing=flat[ends[-1] :])


def drift_alert(kept: Mapping[str, Any]) -> DriftAlert:
    """Return a drift alert from its fields as JSON."""
    lists = {name: tuple(kept.get(name, ())) for name in ("culprits", "ruled")}
    return DriftAlert(**{**kept, **lists, "state": AlertState(kept["state"])})
