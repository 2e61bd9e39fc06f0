"""What happened, in words and as data: a fault of the data, a change of the population or the concept, or unclear.

One cause a file. Some look at the ``Column`` object of a culprit alone; others at :class:`Evidence`: how the rows of
both sides lie in the same cells. Retraining on broken data is the costliest mistake: a fault that explains a column
goes before a change of it, and where a fault may hide it is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.diagnosis import dependence, duplicates, fixed_rule, missing, mix, shift, spread, unseen
from monitor.diagnosis.causes import BROKEN, FINDERS, LAST, first
from monitor.diagnosis.finding import Class, Found
from monitor.diagnosis.seen import Evidence, Half, Seen, columns_seen
from monitor.diagnosis.words import carried, text_of

__all__ = ["DATA_FAULT", "POPULATION_CHANGE", "SURE", "UNCLEAR", "Evidence", "Half", "Seen", "columns_seen", "diagnose"]

Cause = dict[str, Any]
DATA_FAULT, POPULATION_CHANGE, UNCLEAR = (
    Class.DATA_FAULT.value,
    Class.POPULATION_CHANGE.value,
    Class.UNCLEAR.value,
)
_FAULTS: tuple[Callable[[Mapping[str, Any]], Cause | None], ...] = (missing.cause, unseen.cause)
_CHANGES: tuple[Callable[[Mapping[str, Any]], Cause | None], ...] = (
    dependence.cause,
    shift.cause,
    spread.cause,
    mix.cause,
)
_MOST = 20
SURE = 0.8
"""A fault of this confidence goes before missing values, and decides also where it is not the strongest ..."""
_PART = 0.1
"""... if its column has at least this part of the drift."""
_PLAIN = 0.7
"""The confidence of a cause that was seen in the figures of a column alone: other causes move them as well."""
_ANSWERS = frozenset({"prediction", "score"})


def diagnose(columns: Sequence[Mapping[str, Any]], evidence: Evidence | None = None) -> dict[str, Any]:
    """Return ``class``, ``causes`` and ``text`` for the columns that carry an alert, the strongest first.

    That a fixed rule was broken is said beside what was seen to happen, and is no class by itself.
    A fault in the strongest input makes it a data fault. Where a joint score is the strongest it stays unclear: columns
    that were joined wrongly look like a world that changed.

    Parameters
    ----------
    columns: ``Column`` objects. ``evidence``: ``None`` where nothing but them is known.
    """
    known = Evidence() if evidence is None else evidence
    found = [(column, _cause(column, known)) for column in columns[:_MOST]]
    causes: list[Cause] = []
    for column, each in found:
        ruled = fixed_rule.cause(column)
        causes += [*([each.body] if each is not None else []), *([_plain(ruled).body] if ruled else [])]
    repeated = duplicates.find(known)
    if repeated is not None:
        causes.insert(0, repeated.body)
    class_ = Class.DATA_FAULT if repeated is not None else _class(found, known)
    return {"class": class_.value, "causes": causes[:_MOST], "text": text_of(class_.value, causes, carried(columns))}


def _cause(column: Mapping[str, Any], evidence: Evidence) -> Found | None:
    """Return what happened to a column: a fault that explains it, else how it changed, else ``None``."""
    seen = evidence.columns.get(column["name"])
    seen = seen if seen is not None and seen.is_input else None
    found = first(BROKEN, seen, evidence) or first(FINDERS, seen, evidence)
    surge = missing.cause(column)
    if surge is not None and not (found is not None and _is_sure(found)):
        found = _plain(surge, Class.DATA_FAULT)
    new = unseen.cause(column)
    if found is None and new is not None:
        found = _plain(new, Class.DATA_FAULT)
    found = found or first(LAST, seen, evidence)
    if found is not None:
        return found
    change = next((each for cause in _CHANGES if (each := cause(column)) is not None), None)
    if change is None:
        return None
    return _plain(change, Class.UNCLEAR if seen is not None and seen.far else Class.POPULATION_CHANGE)


def _plain(cause: Cause, class_: Class = Class.UNCLEAR) -> Found:
    return Found(cause["kind"], cause["column"], cause["detail"], cause["factor"], _PLAIN, class_)


def _class(found: Sequence[tuple[Mapping[str, Any], Found | None]], evidence: Evidence) -> Class:
    """Return what kind of change the causes are in all."""
    if any(each is not None and _decides(column, each) for column, each in found):
        return Class.DATA_FAULT
    causes = [each for _, each in found if each is not None]
    if not causes:
        return Class.UNCLEAR
    column, leading = found[0]
    if leading is not None and leading.class_ is Class.DATA_FAULT:
        return Class.DATA_FAULT
    if dependence.is_joint(column):
        return Class.UNCLEAR
    if evidence.columns:
        return _of_inputs(found, evidence)
    return Class.POPULATION_CHANGE


def _decides(column: Mapping[str, Any], cause: Found) -> bool:
    """Say whether a fault is sure and large enough to decide wherever it stands."""
    share = column.get("share_of_drift")
    return _is_sure(cause) and share is not None and share >= _PART


def _is_sure(cause: Found) -> bool:
    return cause.class_ is Class.DATA_FAULT and cause.confidence >= SURE


def _of_inputs(found: Sequence[tuple[Mapping[str, Any], Found | None]], evidence: Evidence) -> Class:
    """Return the class where no fault decides: the inputs say it, and of answers alone nothing is told."""
    inputs = [(column, each) for column, each in found if column.get("role") == "feature"]
    if inputs:
        leading = next((each for _, each in inputs if each is not None), None)
        if leading is None:
            return Class.UNCLEAR
        faulty = leading.class_ is Class.DATA_FAULT
        return leading.class_ if faulty or leading.class_ is Class.UNCLEAR else Class.POPULATION_CHANGE
    roles = {column.get("role") for column, _ in found}
    if "target" in roles and (evidence.losing or not roles & _ANSWERS):
        return Class.CONCEPT_CHANGE
    return Class.UNCLEAR
