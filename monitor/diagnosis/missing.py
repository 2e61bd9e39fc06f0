"""Missing surge: far more values are missing than in the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_RISE = 0.05
"""The share of missing values has risen by more than this."""
_ERRORS = 3.0
"""And by more than so many standard errors: of a few rows some more are missing by chance."""
_FOLD = 2.0
_LEFT = 0.8
"""Or of the values that were there, less than this part is left."""


def cause(column: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause, or ``None``."""
    old, new = column["reference"]["missing_ratio"], column["current"]["missing_ratio"]
    if old is None or new is None or new - old <= _RISE:
        return None
    if new - old <= _ERRORS * math.sqrt(new * (1 - new) / max(column["current"]["rows"], 1)):
        return None
    if new <= _FOLD * old and 1 - new >= _LEFT * (1 - old):
        return None
    return {
        "kind": "missing_surge",
        "column": column["name"],
        "detail": f"missing {old:.1%} to {new:.1%}",
        "factor": None,
    }
