"""What a panel of a dashboard is, as data; ``dashboards.py`` makes Grafana's JSON of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Colour = Literal["green", "orange", "red", "purple", "blue", "text"]
Look = Literal["stat", "lines", "states", "table"]


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and how its series are called in a legend."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes
    ----------
    description: what it tells, and what to do about it.
    unit: Grafana's name of a unit.
    width: of 24. height: in rows of Grafana's grid.
    steps: from which value on which colour; the first is the base.
    names: what a value is called, with a colour.
    line: draw the steps as lines. log: a logarithmic axis.
    keep: the columns of a table, in order, by label, and their titles.
    """

    look: Look
    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 12
    height: int = 8
    steps: Sequence[tuple[float | None, Colour]] = ((None, "text"),)
    names: Sequence[tuple[str, str, Colour]] = ()
    no_value: str = "no data"
    line: bool = False
    log: bool = False
    keep: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels."""

    title: str
    panels: Sequence[Panel]


def number(
    title: str,
    description: str,
    expression: str,
    no_value: str,
    *,
    unit: str = "short",
    steps: Sequence[tuple[float | None, Colour]] = ((None, "text"),),
    names: Sequence[tuple[str, str, Colour]] = (),
) -> Panel:
    """Return a panel that shows one number."""
    look: Look = "stat"
    return Panel(look, title, description, [Query(expression)], unit, 4, 4, steps, names, no_value)
