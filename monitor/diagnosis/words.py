"""A diagnosis in plain words: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TODO = {
    "data_fault": "This is a fault of the data: mend the pipeline, and do not retrain on these rows.",
    "population_change": "The population has changed: retrain on recent rows, once their targets are known.",
    "concept_change": "The answers no longer follow from the inputs as they did: retrain on rows with fresh targets, "
    "or roll back if a new version has just begun to serve.",
    "unclear": "Whether data or world changed cannot be told: look at the columns before you retrain.",
}
_NOTHING = "Nothing that is known explains it."
SEGMENT_MIX = "segment_mix"
_MOST_NAMES = 3
_UNDER = "distance_under_threshold"
_BESIDE = "evidence over windows carries the alert; in this window alone its distance is under its threshold"
_ASIDE = frozenset({"fixed_rule", "concentration", SEGMENT_MIX})
"""Causes that say where, why or by which rule, beside what happened."""
_MIXED = "If each segment is served as well as before, its performance says so, and there is nothing to retrain for."


def beside_verdict(column: Mapping[str, Any]) -> str | None:
    """Return why a column carries an alert that does not look it in one window; ``None`` where it does.

    >>> beside_verdict({"why": "distance_under_threshold"})
    'evidence over windows carries the alert; in this window alone its distance is under its threshold'
    """
    return _BESIDE if column.get("why") == _UNDER else None


def carried(columns: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence on the columns that carry an alert by what was seen over windows; empty where none does.

    >>> carried([{"name": "temp", "why": "distance_under_threshold"}, {"name": "wind", "why": "rule_broken"}])
    'Evidence over windows carries the alert, more than this window alone, in which temp does not count as drifted.'
    """
    names = [column["name"] for column in columns if column.get("why") == _UNDER]
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    do = "does" if len(names) == 1 else "do"
    return (
        "Evidence over windows carries the alert, more than this window alone, in which "
        f"{', '.join(names[:_MOST_NAMES])}{more} {do} not count as drifted."
    )


def text_of(class_: str, causes: Sequence[Mapping[str, Any]], beside: str = "") -> str:
    """Return a few sentences.

    Parameters
    ----------
    beside: one that is said before what to do, where there is something to add.

    >>> text_of("data_fault", [{"kind": "missing_surge", "column": "temp", "detail": "missing 1% to 30%"}])
    'temp: missing 1% to 30%. This is a fault of the data: mend the pipeline, and do not retrain on these rows.'
    """
    todo = f"{beside} {TODO[class_]}".strip()
    told = [cause for cause in causes if cause["kind"] not in _ASIDE] or list(causes)
    if not told:
        return f"{_NOTHING} {todo}"
    mix = next((cause for cause in causes if cause["kind"] == SEGMENT_MIX), None)
    if mix is None or class_ == "data_fault" or mix["column"] != told[0]["column"]:
        return f"{_said(told)}. {todo}"
    return f"{_said(told)}: {mix['detail']}. {_MIXED} {todo}"


def _said(causes: Sequence[Mapping[str, Any]]) -> str:
    first = causes[0]
    column, detail = first["column"], first["detail"]
    named = detail if column is None or detail.startswith(f"{column} ") else f"{column}: {detail}"
    alike = _columns(cause for cause in causes[1:] if cause["kind"] == first["kind"])
    alike.pop(column, None)
    others = len(_columns(causes[1:]).keys() - alike.keys() - {column})
    like = f"; the same kind of change in {_listed(list(alike))}" if alike else ""
    more = f"; {_counted(others)} moved as well" if others else ""
    return f"{named}{like}{more}".rstrip(".")


def _columns(causes: Iterable[Mapping[str, Any]]) -> dict[str, None]:
    """Return the columns of some causes, each once and in their order."""
    return {cause["column"]: None for cause in causes if cause["column"] is not None}


def _listed(names: Sequence[str]) -> str:
    """Return some names, and of how many more.

    >>> _listed(["a", "b"]), _listed(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more columns')
    """
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} and {_counted(len(names) - _MOST_NAMES)}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _counted(columns: int) -> str:
    return f"{columns} more column{'s' if columns > 1 else ''}"
