"""What a reference file tells of a model: which column is what, what is answered, and how long a window should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.errors import ConfigError, Fault
from monitor.instant import microseconds
from monitor.kinds import infer_kind
from monitor.record import Kind, Role
from monitor.record_layout import NATIVE_FEATURES, ColumnsSettings, fixed_part

_KNOWN = {
    "timestamp": ("timestamp", "event_time", "event_timestamp", "datetime", "time", "ts", "date", "created_at"),
    "id": ("request_id", "inference_id", "prediction_id", "event_id", "record_id", "row_id", "id", "uuid"),
    "version": ("model_version", "version"),
    "prediction": ("prediction", "predicted", "prediction_label", "y_pred", "pred", "yhat", "y_hat", "output"),
    "score": ("score", "probability", "proba", "prob", "prediction_score", "y_score", "y_proba"),
    "target": ("target", "label", "y_true", "actual", "outcome", "ground_truth", "y"),
    "latency": ("latency_ms",),
}
_CLASSES = 20
"""More different whole numbers than this are a quantity, not classes."""
_LENGTHS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(weeks=1))
_STEPS = 50
"""Fewer steps in the reference say little about how much a step varies."""
_MIN_ROWS, _FEWEST_ROWS = 300, 30
_TWO = 2

Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Inferred:
    """What was told from a reference, each with its reason where it is not a default.

    Attributes
    ----------
    columns: role → column, ``None`` for a role that no column has.
    found: the roles whose column stands in the file.
    length: of a window; ``None`` where the default does. ``min_rows``: likewise.
    rows_a_window: in the middle; ``None`` without instants.
    """

    task: str
    columns: Mapping[str, str | None]
    found: frozenset[str]
    length: timedelta | None = None
    min_rows: int | None = None
    rows_a_window: int | None = None


def infer(table: pa.Table, given: Mapping[str, str | None], task: str | None = None) -> Inferred:
    """Tell from a reference what its config should say.

    Parameters
    ----------
    table: the reference, nested objects flattened with dots.
    given: role → column, as the operator said; ``None`` where nothing was said.
    task: as the operator said.

    Raises
    ------
    ConfigError: a column that was named is not there.
    """
    names = table.column_names
    _require(names, given)
    chosen = {role: given.get(role) or _known(role, names, table) for role in _KNOWN}
    if given.get("target") is None and _is_another(table, chosen["target"], chosen["prediction"]):
        chosen["target"] = None
    found = frozenset(role for role, name in chosen.items() if name in names)
    default = ColumnsSettings().model_dump()
    columns = {role: chosen[role] if role in found else default[role] for role in _KNOWN}
    times = _event_times(table[columns["timestamp"]]) if "timestamp" in found else None
    length, min_rows, rows = (None, None, None) if times is None else _window(times)
    return Inferred(task or _task(table, columns), columns, found, length, min_rows, rows)


def _require(names: Sequence[str], given: Mapping[str, str | None]) -> None:
    faults = []
    for role, name in given.items():
        if name is not None and name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f'did you mean "{near[0]}"?' if near else None
            message = f'no column of the reference is named "{name}"'
            faults.append(Fault("E166", None, None, None, f"--{role}", message, hint))
    if faults:
        raise ConfigError(faults)


def _known(role: str, names: Sequence[str], table: pa.Table) -> str | None:
    """Return the column that by its name, or else by its values, has a role."""
    by_case = {name.lower(): name for name in reversed(names)}
    named = next((by_case[word] for word in _KNOWN[role] if word in by_case), None)
    if named is not None and (role != "timestamp" or _is_time(table[named])):
        return named
    return next((name for name in names if _is_time(table[name])), None) if role == "timestamp" else None


def _is_time(array: pa.ChunkedArray) -> bool:
    whole = array.null_count == 0
    return whole and (pa.types.is_timestamp(array.type) or infer_kind(array, Role.FEATURE, "none")[0] is Kind.DATETIME)


def _is_another(table: pa.Table, target: str | None, prediction: str | None) -> bool:
    """Say whether a column that is called like a target is none: it has fractions, where predictions are text."""
    if target is None or prediction is None or not pa.types.is_string(table[prediction].type):
        return False
    values = table[target].drop_null()
    return pa.types.is_floating(values.type) and not pc.all(pc.equal(pc.floor(values), values)).as_py()


def _task(table: pa.Table, columns: Mapping[str, str | None]) -> str:
    """Return what the model answers, by the values of its target, or else of its prediction."""
    roles: Iterable[str] = ("target", "prediction")
    column = next((name for role in roles if (name := columns[role]) in table.column_names), None)
    if column is None:
        return "none"
    values = table[column].drop_null()
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        return "ranking"
    distinct = pc.count_distinct(values).as_py()
    if distinct <= _TWO:
        return "binary"
    whole = not pa.types.is_floating(values.type) or bool(pc.all(pc.equal(pc.floor(values), values)).as_py())
    is_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    return "regression" if is_number and not (whole and distinct <= _CLASSES) else "multiclass"


def _event_times(array: pa.ChunkedArray) -> Instants | None:
    """Return event times in microseconds, in order; ``None`` if they cannot be told."""
    try:
        micros = pc.cast(array, pa.timestamp("us", "UTC")) if pa.types.is_string(array.type) else array
        numbers = pc.cast(micros, pa.timestamp("us")) if pa.types.is_temporal(micros.type) else micros
        return np.sort(pc.cast(numbers, pa.int64()).drop_null().to_numpy())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _window(times: Instants) -> tuple[timedelta | None, int | None, int]:
    """Return length and least rows of a window, ``None`` where the default does, and the rows of the middle one."""
    middle = {length: _middle_rows(times, length) for length in _LENGTHS}
    long_enough = [length for length, (_, steps) in middle.items() if steps >= _STEPS] or list(_LENGTHS[:1])
    fitting = [length for length in long_enough if middle[length][0] >= _MIN_ROWS]
    length = fitting[0] if fitting else long_enough[-1]
    rows = middle[length][0]
    least = None if fitting else max(_FEWEST_ROWS, rows // 2)
    return (None if length == _LENGTHS[0] else length), least, rows


def _middle_rows(times: Instants, length: timedelta) -> tuple[int, int]:
    counts = np.unique(times // microseconds(length), return_counts=True)[1]
    return int(np.median(counts)), len(counts)


def features_of(table: pa.Table, columns: Mapping[str, str | None]) -> list[str]:
    """Return the names of the features that the columns leave."""
    start = fixed_part(NATIVE_FEATURES)
    nested = [name for name in table.column_names if name.startswith(start)]
    return nested or [name for name in table.column_names if name not in set(columns.values())]
