"""Mix: the shares of a column's categories have moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause where the interval of the largest change leaves out zero, or ``None``."""
    effect = column["effect"]
    if effect is None or effect["unit"] != "ratio" or effect["lower"] <= 0 <= effect["upper"]:
        return None
    change = 100 * effect["value"]
    return {
        "kind": "mix",
        "column": column["name"],
        "detail": f"the share of one value changed by {change:+.1f} points",
        "factor": None,
    }
