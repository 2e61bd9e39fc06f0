"""Violations in words: the causes of a ``quality`` alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COUNTS = frozenset({"cardinality"})
RANKING = "attribution_ranking"
_WORDS = {
    "schema": "no record has a value",
    "type": "of records have a value of another type",
    "missing": "of records have no value",
    "non_finite": "of records are NaN or infinite",
    "range": "of values are out of range",
    "length": "of texts have a length out of range",
    "unseen": "of values are categories that the reference does not hold",
    "constant": "of values are one and the same",
    "cardinality": "categories",
    "timestamp": "of records have no instant that can be true",
    "duplicates": "of records have an id that another has",
}


def cause(violation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cause that a violation is.

    >>> cause({"column": "x", "check": "missing", "value": 0.5, "lower": 0.0, "upper": 0.025})["detail"]
    '50% of records have no value; at most 2.5% is expected'
    """
    return {"kind": violation["check"], "column": violation["column"], "detail": told(violation), "factor": None}


def named(violation: Mapping[str, Any]) -> str:
    """Return what a violation says, beginning with its column, or with the rule of the table.

    >>> named({"column": None, "check": "low <= high", "value": 0.5, "lower": 0.0, "upper": 0.025})
    'low <= high: 50% of records break it; at most 2.5% is expected'
    """
    return f"{violation['column'] or violation['check']}: {told(violation)}"


def told(violation: Mapping[str, Any]) -> str:
    """Return what a violation says, without its column."""
    check = violation["check"]
    words = _WORDS.get(check, "of records break it")
    if check == "schema":
        return words
    if check == RANKING:
        value, least = violation["value"], violation["lower"]
        return f"features rank {value:.3g} alike by what they decide (NDCG); at least {least:.3g} is usual"
    if check in _COUNTS:
        return f"{violation['value']:g} {words}; at least {violation['lower']:g} are expected"
    return f"{percent(violation['value'])} {words}; at most {percent(violation['upper'])} is expected"


def percent(ratio: float) -> str:
    """Return a share as a percentage of three digits.

    >>> percent(0.0123456), percent(1.0), percent(0.0)
    ('1.23%', '100%', '0%')
    """
    return f"{ratio * 100:.3g}%"
