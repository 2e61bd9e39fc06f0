"""Two live versions of a model compared as they serve: what is asked, what is found of each figure, and what it means.

Each *figure* is a difference of two means with an interval that may be looked at after every window
(:mod:`monitor.calibration.difference`). The chance that a comparison ever says something wrong of versions that are
alike is ``versions.alpha`` over all figures and windows together: each figure has a quarter of it, each class of the
predictions a like part of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import Field

from monitor.calibration.difference import LEAST_BLOCKS, Contest, Difference, difference, rows_needed
from monitor.settings import Settings

Json = dict[str, Any]


class VersionsSettings(Settings):
    """How versions that serve side by side are compared."""

    baseline: str | None = Field(None, description="the version that others are held against; unset: the oldest live")
    alpha: float = Field(0.05, gt=0, lt=1, description="chance that a comparison of two that are alike ever errs")
    difference: float = Field(0.01, gt=0, lt=1, description="smallest difference of interest: loss a record, or shares")
    latency: float = Field(0.1, gt=0, le=10, description="smallest difference of interest in latency, as a ratio")


class Figure(StrEnum):
    """What two versions are compared by."""

    LOSS = "loss"
    ESTIMATE = "estimate"
    LATENCY = "latency"
    PREDICTIONS = "predictions"


class Verdict(StrEnum):
    """What a comparison says of the newer version."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    NO_DIFFERENCE_YET = "no_difference_yet"


def verdicts_of(figure: str) -> tuple[str, ...]:
    """Return what can be said of a figure."""
    if figure == Figure.PREDICTIONS.value:
        return Verdict.DIFFERENT.value, Verdict.NO_DIFFERENCE_YET.value
    return Verdict.BETTER.value, Verdict.WORSE.value, Verdict.NO_DIFFERENCE_YET.value


class Why(StrEnum):
    """The reason of a verdict."""

    BEYOND_ZERO = "interval_beyond_zero"
    HOLDS_ZERO = "interval_holds_zero"
    ALIKE = "difference_under_interest"
    TOO_FEW_BLOCKS = "too_few_blocks"
    NO_ROWS = "no_rows_of_both"


@dataclass(slots=True)
class Versus:
    """What is remembered of one version beside its baseline.

    Attributes
    ----------
    since: start of the first stretch in which both served, in microseconds.
    contests: by figure and class; the class is "" where there are none.
    paired: of how many rows of the newer version the same record was scored by both, for each figure.
    waiting: ends of stretches whose losses are yet to be compared.
    """

    baseline: str
    since: int
    contests: dict[tuple[Figure, str], Contest] = field(default_factory=dict)
    paired: dict[Figure, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)


def comparison_body(versus: Versus, settings: VersionsSettings, *, with_targets: bool) -> Json:
    """Return a comparison as users see it.

    Parameters
    ----------
    with_targets: whether targets are ever known: the verdict is then by the loss, and else by the estimate; by the
        predictions where nothing is estimated either.
    """
    figures = [_figure_body(versus, figure, settings) for figure in Figure]
    by = Figure.LOSS if with_targets else _untargeted(versus)
    deciding = next(body for body in figures if body["figure"] == by.value)
    return {
        "baseline": versus.baseline,
        "verdict": deciding["verdict"],
        "by": by.value,
        "why": deciding["why"],
        "alpha": settings.alpha,
        "figures": figures,
    }


def _untargeted(versus: Versus) -> Figure:
    """Return by what versions are told apart that have no targets."""
    figures = {figure for figure, _ in versus.contests}
    estimated = Figure.ESTIMATE in figures or Figure.PREDICTIONS not in figures
    return Figure.ESTIMATE if estimated else Figure.PREDICTIONS


def _figure_body(versus: Versus, figure: Figure, settings: VersionsSettings) -> Json:
    named = {name: each for (of, name), each in versus.contests.items() if of is figure}
    alpha = settings.alpha / len(Figure) / max(len(named), 1)
    found = {name: seen for name, each in named.items() if (seen := difference(each, alpha)) is not None}
    if not found:
        return _blank(figure)
    name = max(found, key=lambda one: (_clear(found[one]), one))
    contest, seen, smallest = named[name], found[name], _smallest(figure, name, settings)
    verdict, why = _verdict(figure, contest, seen, smallest)
    shown = math.exp if figure is Figure.LATENCY else float
    known = math.isfinite(seen.lower)
    return _blank(figure) | {
        "of": name or None,
        "verdict": verdict.value,
        "why": why.value,
        "value": shown(seen.value),
        "lower": shown(seen.lower) if known else None,
        "upper": shown(seen.upper) if known else None,
        "rows": contest.rows[0],
        "baseline_rows": contest.rows[1],
        "paired_rows": versus.paired.get(figure, 0),
        "blocks": contest.scales[0].blocks,
        "rows_needed": 0 if verdict is not Verdict.NO_DIFFERENCE_YET else rows_needed(contest, alpha, seen.value),
        "smallest": None if smallest is None else shown(smallest),
        "rows_needed_for_smallest": None if smallest is None else rows_needed(contest, alpha, smallest),
    }


def _blank(figure: Figure) -> Json:
    return {
        "figure": figure.value,
        "of": None,
        "verdict": Verdict.NO_DIFFERENCE_YET.value,
        "why": Why.NO_ROWS.value,
        "value": None,
        "lower": None,
        "upper": None,
        "rows": 0,
        "baseline_rows": 0,
        "paired_rows": 0,
        "blocks": 0,
        "rows_needed": None,
        "smallest": None,
        "rows_needed_for_smallest": None,
    }


def _clear(seen: Difference) -> float:
    """Return how clear a difference is: its size over half its interval."""
    half = (seen.upper - seen.lower) / 2
    return abs(seen.value) / half if half > 0 else math.inf * abs(seen.value) if seen.value else 0.0


def _smallest(figure: Figure, name: str, settings: VersionsSettings) -> float | None:
    """Return the smallest difference of interest, as the contest counts; a number that is predicted has none."""
    if figure is Figure.LATENCY:
        return math.log1p(settings.latency)
    return None if figure is Figure.PREDICTIONS and not name else settings.difference


def _verdict(figure: Figure, contest: Contest, seen: Difference, smallest: float | None) -> tuple[Verdict, Why]:
    if contest.scales[0].blocks < LEAST_BLOCKS:
        return Verdict.NO_DIFFERENCE_YET, Why.TOO_FEW_BLOCKS
    if seen.lower > 0 or seen.upper < 0:
        if figure is Figure.PREDICTIONS:
            return Verdict.DIFFERENT, Why.BEYOND_ZERO
        return Verdict.WORSE if seen.lower > 0 else Verdict.BETTER, Why.BEYOND_ZERO
    if smallest is not None and max(-seen.lower, seen.upper) < smallest:
        return Verdict.NO_DIFFERENCE_YET, Why.ALIKE
    return Verdict.NO_DIFFERENCE_YET, Why.HOLDS_ZERO


class Advice(StrEnum):
    """What a comparison speaks for."""

    PROMOTE = "promote"
    ROLL_BACK = "rollback"
    NONE = "none"


def advise(comparison: Mapping[str, Any] | None) -> tuple[Advice, str]:
    """Return what a comparison speaks for, and a stable reason; it starts nothing itself.

    Only what targets say speaks for anything: estimates miss a change of what the answer should be. A version that
    loses less but is slower is not promoted.

    >>> advise(None)
    (<Advice.NONE: 'none'>, 'no_comparison')
    """
    if comparison is None:
        return Advice.NONE, "no_comparison"
    if comparison["by"] != Figure.LOSS.value:
        return Advice.NONE, "no_targets"
    verdict = comparison["verdict"]
    if verdict == Verdict.WORSE.value:
        return Advice.ROLL_BACK, "loses_more"
    if verdict != Verdict.BETTER.value:
        return Advice.NONE, verdict
    latency = next(each for each in comparison["figures"] if each["figure"] == Figure.LATENCY.value)
    slower = latency["verdict"] == Verdict.WORSE.value
    return (Advice.NONE, "loses_less_but_slower") if slower else (Advice.PROMOTE, "loses_less")


def figure_words(body: Mapping[str, Any]) -> str:
    """Return one figure of a comparison in words; "" where there is nothing to say.

    >>> figure_words(_blank(Figure.LOSS))
    ''
    """
    if body["value"] is None:
        return ""
    sign = "" if body["figure"] == Figure.LATENCY.value else "+"
    times = " times" if body["figure"] == Figure.LATENCY.value else ""
    of = f" {body['of']}" if body["of"] is not None else ""
    value = f"{body['figure']}{of} {body['value']:{sign}.3g}{times}"
    if body["lower"] is None:
        return f"{value} after {body['blocks']} blocks: too few to tell"
    said = f"{value} ({body['lower']:{sign}.3g} to {body['upper']:{sign}.3g}): {body['verdict'].replace('_', ' ')}"
    needed = body["rows_needed"]
    if body["verdict"] != Verdict.NO_DIFFERENCE_YET.value or body["why"] == Why.ALIKE.value or not needed:
        return said
    return f"{said}, some {needed:,} more rows at this difference"


def comparison_words(version: str, body: Mapping[str, Any]) -> list[str]:
    """Return a comparison in words: what is said of all, then a line a figure."""
    verdict = body["verdict"].replace("_", " ")
    head = (
        f"version {version} beside {body['baseline']}: {verdict} by the {body['by']} ({body['why'].replace('_', ' ')})"
    )
    return [head, *(words for each in body["figures"] if (words := figure_words(each)))]
