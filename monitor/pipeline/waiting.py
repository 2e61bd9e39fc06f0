"""Which cohorts new targets concern: the index of their answers, built again from the disk after a start."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from monitor.instant import Instant, microseconds
from monitor.pipeline.arrivals import WaitingIds
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Outcomes


@dataclass(slots=True)
class Waiting:
    """Marks the cohorts of a model that targets have come for."""

    _ids: WaitingIds = field(default_factory=WaitingIds)
    _held: set[tuple[str, Instant]] = field(default_factory=set)

    def follow(self, model: Model, outcomes: Outcomes, now: Instant) -> None:
        """Take up cohorts that are new, let go of those that are final, and mark those that new targets concern."""
        every = microseconds(model.plan.window.every)
        folds = microseconds(model.plan.window.length) // every
        wanted = {
            (version, cohort.end - number * every)
            for version, scored in model.scored.items()
            for cohort in scored.cohorts.values()
            for number in range(folds)
        }
        for version, end in sorted(wanted - self._held):
            self._ids.add((version, end), outcomes.hashes(version, end - every, end))
        for stretch in self._held - wanted:
            self._ids.drop(stretch)
        self._held = wanted
        for version, end in self._ids.concerned(model.arrivals.take(now)):
            self._touch(model, version, end, every * folds)

    def _touch(self, model: Model, version: str, end: Instant, length: int) -> None:
        cohorts = model.scored[version].cohorts
        for at in range(end, end + length, microseconds(model.plan.window.every)):
            if at in cohorts:
                cohorts[at] = replace(cohorts[at], touched=True)
