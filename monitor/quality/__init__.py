"""Data quality: what is expected of the records, and what of a window violates it.

One check a file, entered in :data:`CHECKS`; ``tests/contracts`` tests each that stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.profile import Profile
from monitor.quality import cardinality, constant, duplicates, mismatched, missing, non_finite, ranges, schema, unseen
from monitor.quality.check import Allowed, Check, Expectation, Seen, Subject, Unchecked
from monitor.quality.pairs import expect_pairs
from monitor.quality.ranking import expect_ranking
from monitor.quality.settings import QualitySettings
from monitor.reference import Reference

Json = dict[str, Any]

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        schema.CHECK,
        mismatched.CHECK,
        missing.CHECK,
        non_finite.CHECK,
        ranges.RANGE,
        ranges.LENGTH,
        unseen.CHECK,
        constant.CHECK,
        cardinality.CHECK,
    )
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that expects nothing of a column, and why."""

    column: str | None
    check: str
    why: str


@dataclass(frozen=True, slots=True)
class Expectations:
    """All that is expected of the records of a version; ``skipped`` is what cannot be told."""

    held: tuple[Expectation, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def expectations(reference: Reference, settings: QualitySettings) -> Expectations:
    """Return what is expected, in the order of the columns and of the checks; the table comes last."""
    if settings.checks == "off":
        return Expectations()
    held, skipped = [], []
    for column, check, found in _found(reference, settings):
        if isinstance(found, Unchecked):
            skipped.append(Skipped(column, check, str(found)))
        else:
            held.append(found)
    return Expectations(tuple(held), tuple(skipped))


def _found(
    reference: Reference, settings: QualitySettings
) -> Iterator[tuple[str | None, str, Expectation | Unchecked]]:
    for place, watched in enumerate(reference.binning.columns):
        if not settings.looked_at(watched.column):
            continue
        for check in CHECKS.values():
            if watched.column.kind in check.kinds:
                found = check.expect(Subject(reference, place, settings))
                if found is not None:
                    yield watched.column.name, check.name, found
    yield None, duplicates.NAME, duplicates.expect_duplicates(reference, settings)
    for name, expected in (*expect_pairs(reference, settings), *expect_ranking(reference)):
        yield None, name, expected


def violations(held: Sequence[Expectation], profile: Profile, level: float) -> list[Json]:
    """Return the ``quality_violations`` of a window.

    Parameters
    ----------
    level: the chance of a false violation, over all expectations together.
    """
    each = level / max(len(held), 1)
    found: list[Json] = []
    for expectation in held:
        told = violation(expectation.column, expectation.check, expectation.count(profile), expectation.allowed, each)
        if told is not None and not _is_gone(found, expectation):
            found.append(told)
    return found


def violation(column: str | None, check: str, seen: Seen, allowed: Allowed, level: float) -> Json | None:
    """Return a ``quality_violation``, or ``None`` where what was seen is allowed.

    Parameters
    ----------
    level: the chance of a false one.
    """
    if not seen.of or not allowed.is_broken(seen, level):
        return None
    bounds = allowed.bounds(seen.of, level)
    told = {"column": column, "check": check, "value": allowed.value(seen)}
    return told | {"lower": bounds.lower, "upper": bounds.upper}


def _is_gone(found: Sequence[Json], expectation: Expectation) -> bool:
    """Say whether the column is told to be gone, so that its missing values are no news."""
    last = found[-1] if found else {}
    return expectation.check == "missing" and last.get("check") == "schema" and last["column"] == expectation.column
