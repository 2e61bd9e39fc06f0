"""What is remembered of the segments of a version, as one piece; to the store and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict
from typing import Any

from monitor.alert import AlertState
from monitor.calibration import engine as calibration
from monitor.fixed_rule import Streak
from monitor.instant import Instant
from monitor.pipeline.memory_bytes import drift_alert, memory_from, step_bytes
from monitor.pipeline.model import Version
from monitor.window import NEVER

SEGMENTS = "segments"
"""The name of the piece."""


def segments_bytes(parts: Mapping[str, Version], next_end: Instant | None) -> bytes:
    """Return what is remembered of segments; ``next_end`` tells whether they were judged until the last window."""
    blobs: list[bytes] = []
    kept = []
    for label, part in parts.items():
        memory, judge = part.memory, part.judge
        if memory is None or judge is None:
            continue
        state = memory.state
        engine = b"" if judge.engine is None or state is None else calibration.to_bytes(judge.engine, state)
        both = step_bytes(judge, memory), engine
        kept.append(_head(label, part) | {"sizes": [len(blob) for blob in both]})
        blobs += both
    head = json.dumps({"next_end": next_end, "parts": kept}, separators=(",", ":")).encode()
    return b"".join((len(head).to_bytes(8, "little"), head, *blobs))


def _head(label: str, part: Version) -> dict[str, Any]:
    streaks = {column: asdict(streak) for column, streak in part.streaks.items()}
    return {"label": label, "alert": asdict(part.alert), "body": part.alert_body, "streaks": streaks}


def fill_segments(parts: MutableMapping[str, Version], payload: bytes, next_end: Instant | None) -> None:
    """Give segments their memory back; that of another time, as they were not judged since, is forgotten.

    A segment that is none any more comes back only with its alert, where that fires, so that it is resolved.
    """
    end = 8 + int.from_bytes(payload[:8], "little")
    head = json.loads(payload[8:end] or b"{}")
    same_time = head.get("next_end") == next_end
    for kept in head.get("parts", ()):
        middle = end + kept["sizes"][0]
        blobs = payload[end:middle], payload[middle : end + sum(kept["sizes"])]
        end += sum(kept["sizes"])
        alert = drift_alert(kept["alert"])
        part = parts.get(kept["label"])
        if part is None or part.judge is None:
            if alert.state is AlertState.FIRING:
                parts[kept["label"]] = Version(None, None, NEVER, alert, kept["body"])
            continue
        if same_time:
            part.memory = memory_from(part.judge, *blobs)
            part.streaks = {column: Streak(**streak) for column, streak in kept["streaks"].items()}
        if same_time or alert.state is AlertState.FIRING:
            part.alert, part.alert_body = alert, kept["body"]
