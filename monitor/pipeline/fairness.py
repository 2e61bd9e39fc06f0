"""How alike the groups of records are treated in each window, and the ``fairness`` alert.

It fires at once when bets on a difference have won what chance lets them win once in the budget's time, see
:mod:`monitor.fairness.wager`; and when the lower end of a difference's interval is over ``fairness.at_most``, by more
than it ever was over the reference's own difference, in ``alerts.for`` windows in a row: a sudden change. While it
fires, a window is calm once the difference is what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from monitor.alert import AlertState
from monitor.budget import fairness_steps
from monitor.fairness.disparity import Disparity
from monitor.fairness.groups import Watch, disparities
from monitor.fairness.wager import Wager, after, again, apart
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Known
from monitor.pipeline.ruling import Finding
from monitor.scorer import Scorer

Json = dict[str, Any]
NAME = "fairness"


@dataclass(frozen=True, slots=True)
class Between:
    """What one measure found between the groups of one column."""

    watch: Watch
    measure: str
    found: Disparity

    @property
    def key(self) -> str:
        """Return what its bets are known by."""
        return f"{self.measure}/{self.watch.column}"

    @property
    def least(self) -> float:
        """Return the smallest difference that can be."""
        return next(each.least for each in self.watch.measures if each.name == self.measure)


def between_groups(scorer: Scorer, rows: pa.Table, known: Known | None) -> list[Between]:
    """Return what is measured between groups of a window's answers, by column and measure."""
    if not scorer.watches:
        return []
    targets = [None] * rows.num_rows if known is None else known.listed(rows.num_rows)
    return [
        Between(watch, name, found)
        for watch in scorer.watches
        for name, found in disparities(scorer.answers, watch, rows, targets).items()
    ]


def fairness_bodies(measured: Sequence[Between]) -> list[Json]:
    """Return what was measured between groups as users see it."""
    return [_body(each.watch, each.measure, each.found) for each in measured]


def _body(watch: Watch, name: str, found: Disparity) -> Json:
    return {
        "metric": name,
        "column": watch.column,
        "value": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "highest": found.highest,
        "lowest": found.lowest,
        "reference": watch.expected.get(name),
        "rows": found.rows,
        "left_out": len(found.left_out),
        "why": None if found.why is None else found.why.value,
    }


def fairness_finding(
    model: Model, version: str, measured: Sequence[Between], window: Json | None, sharing: int | None
) -> Finding:
    """Hold the differences of a window against what is allowed; unknown where none of them has a value.

    Parameters
    ----------
    window: what is told of, if it is not the one that closes now.
    sharing: how many live versions share the budget; ``None`` if the window shares rows with one that was bet on.
    """
    limits: Mapping[str, float] = {str(name): limit for name, limit in model.plan.fairness.at_most.items()}
    fair = model.scored[version].fair
    held = [each for each in measured if each.measure in limits and each.found.lower is not None]
    firing = _is_firing(model, version)
    before = {each.key: fair.get(each.key, Wager()) for each in held}
    if firing:
        broken = [each for each in held if _is_over(each, before[each.key], limits[each.measure])]
    else:
        broken = [each for each in held if _is_sudden(each, limits[each.measure])]
    evident = []
    if sharing is not None:
        alarms = len(limits) * len({each.watch.column for each in measured}) * sharing
        for each in held:
            told = after(before[each.key], each.found.compared, limits[each.measure], each.least)
            fair[each.key] = again(told) if firing else told
        evident = [
            each
            for each in held
            if fair[each.key].evidence >= fairness_steps(model.plan.alerts, model.plan.window) * alarms
        ]
    for each in evident:
        fair[each.key] = again(fair[each.key])
    said = [*broken, *(each for each in evident if each not in broken)]
    causes = [
        {"kind": "group_difference", "column": each.watch.column, "detail": _detail(each, limits), "factor": None}
        for each in said
    ]
    columns = tuple(dict.fromkeys(each.watch.column for each in said))
    diagnosis = {"class": "unclear", "causes": causes}
    return Finding(NAME, bool(said) if held else None, columns, diagnosis, window=window, at_once=bool(evident))


def _is_firing(model: Model, version: str) -> bool:
    known = model.versions.get(version)
    raised = None if known is None else known.raised.get((NAME, ""))
    return raised is not None and raised.alert.state is AlertState.FIRING


def _is_over(each: Between, before: Wager, limit: float) -> bool:
    """Say whether a difference that was told of is still more than is allowed."""
    now = apart(before, each.found.compared)
    return (each.found.lower or 0.0) > limit or (now is not None and now > limit)


def _is_sudden(each: Between, limit: float) -> bool:
    slack = each.watch.slack.get(each.measure)
    return slack is not None and (each.found.lower or 0.0) > limit + slack


def _detail(each: Between, limits: Any) -> str:
    found = each.found
    between = f"{found.value:.3g} ({found.lower:.3g} to {found.upper:.3g})"
    return f"{each.measure}: two groups are {between} apart; {limits[each.measure]:g} is allowed"
