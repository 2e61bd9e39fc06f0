"""What a config will cost: memory at rest, state at full retention, series on the page of metrics.

Measured once and written down as constants; a test holds each figure to within a factor of two of the truth, and
``benchmarks/memory.py`` that of memory to within 20 %, on five streams at rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from monitor.action import WITHHOLDING
from monitor.app.planned import made_references
from monitor.instant import SECOND, microseconds
from monitor.judge import Judge
from monitor.pipeline.plan import ModelPlan
from monitor.record import Reason
from monitor.verdict import CHILD_WHYS
from monitor.withholding import Withheld

_DAEMON_BYTES = 181 * 2**20
"""RSS of a daemon that has read its logs and gave back what it could, without what its judges hold; CPython 3.11."""
_CHILD_BYTES = 300 * 2**20
"""RSS of a child that has loaded Evidently 0.7.23 and judged 5,000 rows by any of its tests."""
_STATE_BYTES = 512 * 2**10
_WINDOW_BYTES, _WINDOW_BYTES_A_COLUMN, _WINDOW_BYTES_A_SEGMENT = 1_200, 160, 90
_ROW_BYTES, _ROW_BYTES_A_COLUMN = 40, 5
_HELD_ROW_BYTES, _FROZEN_ROW_BYTES = 350, 80
"""Of a reference that is made of the log: its lines as they stand there, of some ten columns, then compressed.

One that follows the log holds them compressed, in memory and, beside those that it was made of, in the state.
"""
_WAITING_BYTES = 6
"""In memory, of an answer that waits for its target: half a hash, and whose it is."""
_ANSWER_BYTES, _TARGET_BYTES = 45, 146
"""On disk, of such an answer and of a target, under ids of 36 characters."""
# The page of metrics: of the process and the monitor; then of each of these.
_SERIES = 36
_SERIES_A_COMPARISON = 27
"""Of a version that serves beside another: four figures, with what is said of each."""
_SERIES_A_MODEL, _SERIES_A_VERSION, _SERIES_A_COLUMN, _SERIES_A_RECEIVER = 10 + len(Withheld), 24, 3, 4
_SERIES_A_SOURCE = 4 + len(Reason)
"""Of a source: every reason for which a row of it may be refused, among others."""
_SERIES_A_SEGMENT = 9
_SERIES_A_RETRAINING = len(WITHHOLDING) + 2
"""Of a model that is retrained: every reason for which that may be withheld, and whether it helped."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A model and the judges that its references gave, by version."""

    plan: ModelPlan
    judges: Mapping[str, Judge]
    retention: int
    """Microseconds that windows and rows are kept."""


def memory_bytes(models: Iterable[Planned]) -> int:
    """Return the predicted RSS of the daemon at rest."""
    known = list(models)
    judges = [judge for planned in known for judge in planned.judges.values()]
    made = [each for planned in known for each in made_references(planned.plan)]
    held = sum(int(each["rows"]) * (_HELD_ROW_BYTES if each["kind"] == "rows" else _FROZEN_ROW_BYTES) for each in made)
    waiting = int(sum(waiting_rows(planned) for planned in known) * _WAITING_BYTES)
    return _DAEMON_BYTES + sum(array_bytes(judge) for judge in judges) + held + waiting


def child_memory_bytes(models: Iterable[Planned]) -> int:
    """Return what the child process that stays for Evidently's tests will hold beside the daemon; 0 without one.

    One child serves all models. It ends once it was asked nothing for ten minutes, and before it has grown to its
    limit.
    """
    tested = any(judge.values is not None for planned in models for judge in planned.judges.values())
    return _CHILD_BYTES if tested else 0


def state_bytes(models: Iterable[Planned]) -> int:
    """Return the predicted size of the state once it is as old as its retention."""
    known = list(models)
    references = [each for planned in known for each in made_references(planned.plan)]
    made = sum(int(each["rows"]) * (1 if each["kind"] == "rows" else 2) for each in references)
    return _STATE_BYTES + sum(_model_bytes(planned) for planned in known) + made * _FROZEN_ROW_BYTES


def series(models: Iterable[Planned], receivers: int) -> int:
    """Return how many series the page of metrics will have."""
    total = _SERIES + receivers * _SERIES_A_RECEIVER
    for planned in models:
        total += _SERIES_A_MODEL + _SERIES_A_SOURCE * (1 if planned.plan.targets is None else 2)
        total += 0 if planned.plan.retrain is None else _SERIES_A_RETRAINING
        total += _SERIES_A_COMPARISON * max(len(planned.judges) - 1, 0)
        follows = any(each["kind"] != "rows" for each in made_references(planned.plan))
        for judge in planned.judges.values():
            p_values = sum(watched.yields_p_value for watched in judge.watched)
            total += _SERIES_A_VERSION + follows + _SERIES_A_COLUMN * len(judge.watched) + p_values
            total += 2 * (planned.plan.targets is not None)  # shares of targets that say nothing
            total += _SERIES_A_SEGMENT * len(judge.segments)
            total += 0 if judge.ground is None else _SERIES_A_COLUMN + 1
            total += 0 if judge.values is None else len(CHILD_WHYS)
    return total


def array_bytes(value: Any) -> int:
    """Return the bytes of every array that an object of dataclasses holds."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, pa.Array | pa.ChunkedArray | pa.Table):
        return int(value.nbytes)
    if is_dataclass(value):
        return sum(array_bytes(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, Mapping):
        return sum(map(array_bytes, value.values()))
    return sum(map(array_bytes, value)) if isinstance(value, tuple | list) else 0


def _model_bytes(planned: Planned) -> int:
    windows = planned.retention // microseconds(planned.plan.window.every)
    of_windows = windows * sum(_window_bytes(planned.plan, judge) for judge in planned.judges.values())
    targets = _rows_a_second(planned) * planned.retention / SECOND if waiting_rows(planned) else 0.0
    return int(of_windows + waiting_rows(planned) * _ANSWER_BYTES + targets * _TARGET_BYTES)


def waiting_rows(planned: Planned) -> float:
    """Return how many records wait for their targets at once, if some of each window never come: a horizon's."""
    plan = planned.plan
    if plan.targets is None or plan.task == "none":
        return 0.0
    return _rows_a_second(planned) * (plan.horizon + plan.window.length).total_seconds()


def _rows_a_second(planned: Planned) -> float:
    """Return the records that are profiled a second, all versions together: as many as the busiest reference has."""
    plan = planned.plan
    rows = max((_rows_a_window(plan, judge) for judge in planned.judges.values()), default=0.0)
    return rows * plan.sampling.rate / plan.window.every.total_seconds()


def _window_bytes(plan: ModelPlan, judge: Judge) -> float:
    columns = len(judge.reference.all_columns)
    segments = len(judge.segments) * _WINDOW_BYTES_A_SEGMENT
    kept = min(plan.rows_per_window, _rows_a_window(plan, judge))
    return (
        _WINDOW_BYTES
        + segments
        + columns * _WINDOW_BYTES_A_COLUMN
        + kept * (_ROW_BYTES + columns * _ROW_BYTES_A_COLUMN)
    )


def _rows_a_window(plan: ModelPlan, judge: Judge) -> float:
    reference = judge.reference
    if reference.first is None or reference.last is None or reference.last <= reference.first:
        return plan.rows_per_window
    return reference.rows / (reference.last - reference.first) * microseconds(plan.window.every)
