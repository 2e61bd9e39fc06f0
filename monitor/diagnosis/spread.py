"""Spread: the values lie wider or narrower around their mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FOLD = 1.1


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause where the standard deviation changed by more than a tenth, or ``None``."""
    old, new = column["reference"]["sd"], column["current"]["sd"]
    if not old or new is None or 1 / _FOLD <= new / old <= _FOLD:
        return None
    return {
        "kind": "spread",
        "column": column["name"],
        "detail": f"standard deviation {old:.3g} to {new:.3g}",
        "factor": None,
    }
