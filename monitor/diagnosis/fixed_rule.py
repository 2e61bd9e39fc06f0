"""Fixed rule: the column broke the rule that the config gives it, which is outside the false-alarm promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause where the column's rule is broken, or ``None``."""
    if column.get("why") != "rule_broken":
        return None
    detail = f"{column['method']} {column['distance']:.3g}, from {column['threshold']:.3g} on drifted by its fixed rule"
    return {"kind": "fixed_rule", "column": column["name"], "detail": detail, "factor": None}
