"""New category: values that the reference does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHARE = 0.02


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause, or ``None``."""
    if column["kind"] not in ("categorical", "boolean", "constant"):
        return None
    unseen = column["current"]["unseen_ratio"]
    if unseen is None or unseen <= _SHARE:
        return None
    return {
        "kind": "new_category",
        "column": column["name"],
        "detail": f"{unseen:.1%} of rows have a value that the reference does not have",
        "factor": None,
    }
