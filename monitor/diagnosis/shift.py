"""Shift: the mean has moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause where the shift's interval leaves out zero, or ``None``."""
    effect = column["effect"]
    if effect is None or effect["unit"] != "sd" or effect["lower"] <= 0 <= effect["upper"]:
        return None
    old, new = column["reference"]["mean"], column["current"]["mean"]
    return {"kind": "shift", "column": column["name"], "detail": f"mean {old:.3g} to {new:.3g}", "factor": None}
