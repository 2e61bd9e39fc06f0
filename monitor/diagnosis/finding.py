"""A cause that was found: what happened to which column, how sure that is, and what kind of change it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Class(StrEnum):
    """What kind of change a cause is, and so what is to be done."""

    DATA_FAULT = "data_fault"
    POPULATION_CHANGE = "population_change"
    CONCEPT_CHANGE = "concept_change"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Found:
    """A cause.

    Attributes
    ----------
    detail: what was seen, in words and measured figures. ``factor``: of a scale; or another number of the cause.
    confidence: from 0 to 1, how much of what was seen the cause explains.
    """

    kind: str
    column: str | None
    detail: str
    factor: float | None = None
    confidence: float = 1.0
    class_: Class = Class.DATA_FAULT

    @property
    def body(self) -> dict[str, Any]:
        """Return the cause as users see it."""
        sure = round(min(max(self.confidence, 0.0), 1.0), 2)
        return {
            "kind": self.kind,
            "column": self.column,
            "detail": self.detail,
            "factor": self.factor,
            "confidence": sure,
        }
