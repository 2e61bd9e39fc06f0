"""How far estimates of a version's windows were from what their targets then said, and what that adds to their bands.

A window adds its misses once, at its last look. They are of the rows whose targets came: what those were expected to
show, against what they showed, so that few targets are no larger miss than their number makes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.outlook import Outlook
from monitor.performance.estimate.past import LEAST_STEP_ROWS
from monitor.performance.metric import Value

Json = dict[str, Any]
Miss: TypeAlias = tuple[float, float]
"""Realised less estimated, and the variance that the estimate had."""
MOST = 60
"""Misses of a metric that widen its band: the last windows', and before them those of the reference's last steps."""


@dataclass(frozen=True, slots=True)
class Past:
    """The misses of a version's last windows against one reference.

    Attributes
    ----------
    reference: its id; ``expected``: the metrics on it, which tell it from one that differs in targets alone.
    misses: of each metric, oldest first, ``MOST`` at most.
    """

    reference: str
    expected: Mapping[str, float | None] = field(default_factory=dict)
    misses: Mapping[str, tuple[Miss, ...]] = field(default_factory=dict)

    def later(self, found: Mapping[str, Miss]) -> Past:
        """Return this past and then the misses of one more window."""
        names = sorted({*self.misses, *found})
        return replace(
            self,
            misses={
                name: (*self.misses.get(name, ()), *([found[name]] if name in found else []))[-MOST:] for name in names
            },
        )

    def is_of(self, reference: str, expected: Mapping[str, float | None]) -> bool:
        """Say whether it is of a reference; metrics that are asked for since do not make it another."""
        same = (expected[name] == value for name, value in self.expected.items() if name in expected)
        return self.reference == reference and all(same)

    def beside(self, own: Mapping[str, Misses]) -> Mapping[str, Misses]:
        """Return the misses of the reference's own steps, with these in the place of its oldest."""
        return {name: _joined(each, self.misses.get(name, ())) for name, each in own.items()}

    def told(self, metric: str) -> Json | None:
        """Return the past error of a metric's estimates as users see it; ``None`` where there is none."""
        errors = [error for error, _ in self.misses.get(metric, ())]
        if not errors:
            return None
        mean_square = math.fsum(error**2 for error in errors) / len(errors)
        return {"mean": math.fsum(errors) / len(errors), "rms": math.sqrt(mean_square), "windows": len(errors)}


def _joined(own: Misses, later: tuple[Miss, ...]) -> Misses:
    return own.later(Misses(*np.array(later, np.float64).T), MOST) if later else own


def misses_of(outlooks: Mapping[str, Outlook], realised: Mapping[str, Value]) -> dict[str, Miss]:
    """Return the miss of each metric that is both estimated and realised of the same rows, if these are enough."""
    found = {}
    for name, true in realised.items():
        seen = outlooks.get(name)
        if seen is None or seen.value is None or true.value is None or true.rows < LEAST_STEP_ROWS:
            continue
        found[name] = (true.value - seen.value, seen.variance)
    return found


def past_from(body: Json | None) -> Past | None:
    """Return what ``dataclasses.asdict`` made of a past; ``None`` of a state that has none."""
    if body is None:
        return None
    misses = {name: tuple((e, v) for e, v in each) for name, each in body["misses"].items()}
    return Past(body["reference"], body["expected"], misses)
