"""What happened, in words and as data: a fault of the data, a change of the population, or unclear.

One cause a file; each looks at the ``Column`` object of a culprit and says whether it sees itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.diagnosis import dependence, fixed_rule, missing, mix, shift, spread, unseen

Cause = dict[str, Any]
DATA_FAULT, POPULATION_CHANGE, UNCLEAR = "data_fault", "population_change", "unclear"
_FAULTS: tuple[Callable[[Mapping[str, Any]], Cause | None], ...] = (missing.cause, unseen.cause)
_CHANGES: tuple[Callable[[Mapping[str, Any]], Cause | None], ...] = (
    dependence.cause,
    shift.cause,
    spread.cause,
    mix.cause,
)
_MOST = 20


def diagnose(columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``class`` and ``causes`` for the columns that carry an alert, the strongest first.

    That a fixed rule was broken is said beside what was seen to happen, and is no class by itself.
    A fault in the strongest column makes it a data fault: retraining on broken data is the costliest mistake. Where a
    joint score is the strongest it stays unclear: columns that were joined wrongly look like a world that changed.
    """
    causes: list[Cause] = []
    faulty = known = False
    for place, column in enumerate(columns[:_MOST]):
        fault = _first(_FAULTS, column)
        faulty = faulty or (fault is not None and place == 0)
        found = fault or _first(_CHANGES, column)
        known = known or found is not None
        causes += [each for each in (found, fixed_rule.cause(column)) if each is not None]
    if not known or (dependence.is_joint(columns[0]) and not faulty):
        return {"class": UNCLEAR, "causes": causes[:_MOST]}
    return {"class": DATA_FAULT if faulty else POPULATION_CHANGE, "causes": causes[:_MOST]}


def _first(causes: Sequence[Callable[[Mapping[str, Any]], Cause | None]], column: Mapping[str, Any]) -> Cause | None:
    return next((found for cause in causes if (found := cause(column)) is not None), None)
