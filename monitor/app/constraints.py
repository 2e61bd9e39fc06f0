"""The ``constraints.json`` of SageMaker's Model Monitor as expectations of the data's quality."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError, Fault

_WHERE = "--constraints"
_UNNAMED = re.compile(r"_c([0-9]{1,6})")
_MOST_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Constraints:
    """Expectations by column, as they stand in a config; and the columns that they name and the reference lacks."""

    columns: Mapping[str, Mapping[str, Any]]
    unknown: tuple[str, ...]


def read_constraints(path: Path, names: Sequence[str]) -> Constraints:
    """Read a file of constraints.

    Parameters
    ----------
    names: the columns of the reference. ``_c0``, as a baseline without a header calls a column, is the first of them.

    Raises
    ------
    ConfigError: E112 it is no such file.
    """
    told = _loaded(path)
    config = told.get("monitoring_config")
    limits = config if isinstance(config, dict) else {}
    columns: dict[str, dict[str, Any]] = {}
    unknown: list[str] = []
    for feature in told["features"]:
        name = feature.get("name") if isinstance(feature, dict) else None
        if not isinstance(name, str):
            continue
        column = _named(name, names)
        if column is None:
            unknown.append(name)
        elif found := _expected(feature, limits):
            columns[column] = found
    return Constraints(columns, tuple(unknown))


def _loaded(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        told = json.loads(raw) if len(raw) <= _MOST_BYTES else None
    except OSError as error:
        raise _fault(path, error.strerror or "cannot be read") from None
    except (ValueError, RecursionError):
        raise _fault(path, "is not JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("features"), list):
        raise _fault(path, "has no list of features")
    return told


def _fault(path: Path, why: str) -> ConfigError:
    return ConfigError([Fault("E112", str(path), None, None, _WHERE, why, "give the constraints.json of a baseline")])


def _named(name: str, names: Sequence[str]) -> str | None:
    """Return the column of the reference that a constraint is of."""
    if name in names:
        return name
    place = _UNNAMED.fullmatch(name)
    return names[int(place[1])] if place is not None and int(place[1]) < len(names) else None


def _expected(feature: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is expected of one column: where SageMaker says which share must do, the rest may not."""
    found = {
        "missing": _rest(feature.get("completeness")),
        "type": _rest(limits.get("datatype_check_threshold")) if _is_typed(feature) else None,
        "unseen": _rest(limits.get("domain_content_threshold")) if _domains(feature) else None,
    }
    expected: dict[str, Any] = {check: share for check, share in found.items() if share is not None}
    numbers = feature.get("num_constraints")
    if isinstance(numbers, dict) and numbers.get("is_non_negative") is True:
        expected["range"] = [0, None]
    return expected


def _rest(share: Any) -> dict[str, float] | None:
    """Return what is left of a share; ``None`` where none is given, or nothing would be asked."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        return None
    return {"at_most": round(1 - share, 9)}


def _is_typed(feature: Mapping[str, Any]) -> bool:
    return feature.get("inferred_type") in {"Integral", "Fractional", "String"}


def _domains(feature: Mapping[str, Any]) -> bool:
    texts = feature.get("string_constraints")
    return isinstance(texts, dict) and bool(texts.get("domains"))
