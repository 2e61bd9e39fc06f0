"""Dependence: columns no longer go together as they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_GROUP = "joint."


def is_joint(column: Mapping[str, Any]) -> bool:
    """Say whether a column is a joint score, which no single column of the log shows."""
    return str(column["name"]).startswith(_GROUP)


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause where a joint score's mean has moved, or a classifier tells the sides; or ``None``."""
    carrying = [each["column"] for each in column.get("carried_by", ())]
    if carrying:
        detail = f"told from the reference by {', '.join(carrying)}"
        return {"kind": "dependence", "column": column["name"], "detail": detail, "factor": None}
    effect = column["effect"]
    if not is_joint(column) or effect is None or effect["lower"] <= 0 <= effect["upper"]:
        return None
    old, new = column["reference"]["mean"], column["current"]["mean"]
    what = "dependence" if "~" in column["name"] else "mean joint score"
    return {"kind": "dependence", "column": column["name"], "detail": f"{what} {old:.3g} to {new:.3g}", "factor": None}
