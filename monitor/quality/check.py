"""What a quality check is: a frozen description, and what it expects of a column of a reference.

An expectation counts records that are so among those that could be (``bad`` of ``of``), and says how many may be. It is
violated only if that cannot be luck: the interval of the window's share and the allowed range are disjoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from scipy.special import betainc

from monitor.profile import Profile
from monitor.quality.settings import AtMost, ColumnQualitySettings, QualitySettings
from monitor.quality.usual import LEAST_STEPS, Integers, Usual, usual
from monitor.record import Column, Kind
from monitor.reference import Reference


@dataclass(frozen=True, slots=True)
class Seen:
    """How many records of a window are so, of how many that could be."""

    bad: int
    of: int

    @property
    def ratio(self) -> float:
        """Return the share; 0 where there is none that could be."""
        return self.bad / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """An allowed range, both ends included."""

    lower: float
    upper: float


class Allowed(Protocol):
    """What a check allows."""

    def value(self, seen: Seen) -> float:
        """Return the figure that is held against the bounds."""
        ...

    def bounds(self, of: int, level: float) -> Bounds:
        """Return what is allowed in a window of so many, at a chance of ``level`` for a false violation."""
        ...

    def is_broken(self, seen: Seen, level: float) -> bool:
        """Say whether a window violates it."""
        ...


@dataclass(frozen=True, slots=True)
class AsInReference:
    """A share as the reference's steps show it, and a little more that never matters."""

    usual: Usual = field(repr=False)
    tolerance: float

    def value(self, seen: Seen) -> float:
        """Return the share."""
        return seen.ratio

    def bounds(self, of: int, level: float) -> Bounds:
        """Return the largest share that is luck or does not matter."""
        luck = self.usual.most(of, level) / of if of else 0.0
        return Bounds(0.0, min(max(luck, self.usual.mean + self.tolerance), 1.0))

    def is_broken(self, seen: Seen, level: float) -> bool:
        """Say whether more are so than is usual."""
        if seen.ratio <= self.usual.mean + self.tolerance:
            return False
        return seen.ratio > self.bounds(seen.of, level).upper


@dataclass(frozen=True, slots=True)
class AsConfigured:
    """A share that the config allows."""

    at_most: float

    def value(self, seen: Seen) -> float:
        """Return the share."""
        return seen.ratio

    def bounds(self, of: int, level: float) -> Bounds:  # noqa: ARG002 - the config knows no luck
        """Return what the config allows."""
        return Bounds(0.0, self.at_most)

    def is_broken(self, seen: Seen, level: float) -> bool:
        """Say whether the exact lower bound of the share lies above what is allowed (Clopper and Pearson 1934).

        >>> AsConfigured(0.05).is_broken(Seen(6, 100), 0.001), AsConfigured(0.05).is_broken(Seen(600, 10_000), 0.001)
        (False, True)
        """
        if seen.ratio <= self.at_most:
            return False
        return bool(betainc(seen.bad, seen.of - seen.bad + 1, self.at_most) <= level)


class Unchecked(str):
    """Why a check expects nothing of a column; stable, in snake case."""

    __slots__ = ()


TOO_SHORT, NO_TIMESTAMPS = Unchecked("reference_too_short"), Unchecked("no_timestamps")
"""How much a share varies is not known."""
VARIES = Unchecked("varies_in_reference")
"""The reference itself breaks the rule."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A column whose quality is looked at."""

    reference: Reference
    place: int
    settings: QualitySettings

    @property
    def column(self) -> Column:
        """Return the column."""
        return self.reference.binning.columns[self.place].column

    @property
    def own(self) -> ColumnQualitySettings:
        """Return what the config expects of the column."""
        return self.settings.own(self.column.name)


Count = Callable[[Profile], Seen]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a column, or of the table where ``column`` is ``None``.

    ``ends``: the range that values are to lie in, ``None`` where there is no end, or for another check.
    """

    column: str | None
    check: str
    count: Count = field(repr=False)
    allowed: Allowed
    ends: tuple[float | None, float | None] = (None, None)


Found = Expectation | Unchecked | None


@dataclass(frozen=True, slots=True)
class Check:
    """A kind of expectation.

    Attributes
    ----------
    about: what it looks at, as an operator reads it.
    kinds: of columns it is for.
    expect: what it expects of a column, why it cannot say, or ``None`` where it has nothing to say.
    """

    name: str
    about: str
    kinds: frozenset[Kind]
    expect: Callable[[Subject], Found]


ALL_KINDS = frozenset(Kind)


def share(subject: Subject, check: str, count: Count, steps: Mapping[str, Integers], given: AtMost | None) -> Found:
    """Expect a share to be what the config says, or else what the reference's steps show.

    Parameters
    ----------
    steps: ``bad`` and ``of`` by step, (B,); perhaps ``hidden``, see :func:`usual`; empty without timestamps.
    given: what the config says.
    """
    if given is not None:
        return Expectation(subject.column.name, check, count, AsConfigured(given.at_most))
    if not steps:
        return NO_TIMESTAMPS
    if int((steps["of"] > 0).sum()) < LEAST_STEPS:
        return TOO_SHORT
    found = usual(steps["bad"], steps["of"], float(steps.get("hidden", 0)))
    return Expectation(subject.column.name, check, count, AsInReference(found, subject.settings.tolerance))
