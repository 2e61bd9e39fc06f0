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
    _cohorts: dict[str, set[Instant]] = field(default_factory=dict)

    def follow(self, model: Model, outcomes: Outcomes, now: Instant) -> None:
        """Take up cohorts that are new, let go of those that are final, and mark those that new targets concern."""
        every = microseconds(model.plan.window.every)
        folds = microseconds(model.plan.window.length) // every
        for version, scored in model.scored.items():
            held = self._cohorts.setdefault(version, set())
            if scored.cohorts.keys() != held:
                self._hold(version, set(scored.cohorts), (outcomes, every, folds))
        for version, end in self._ids.concerned(model.arrivals.take(now)):
            self._touch(model, version, end, every * folds)

    def _hold(self, version: str, cohorts: set[Instant], how: tuple[Outcomes, int, int]) -> None:
        outcomes, every, folds = how
        before = self._cohorts[version]
        for last in sorted(cohorts - before):
            for end in range(last - (folds - 1) * every, last + 1, every):
                if (version, end) not in self._ids:
                    self._ids.add((version, end), outcomes.hashes(version, end - every, end))
        for last in before - cohorts:
            for end in range(last - (folds - 1) * every, last + 1, every):
                if not any(end + number * every in cohorts for number in range(folds)):
                    self._ids.drop((version, end))
        self._cohorts[version] = cohorts

    def _touch(self, model: Model, version: str, end: Instant, length: int) -> None:
        scored = model.scored.get(version)
        cohorts = {} if scored is None else scored.cohorts  # none if the close that first had some was undone
        for at in range(end, end + length, microseconds(model.plan.window.every)):
            if at in cohorts and cohorts[at].looked:
                cohorts[at] = replace(cohorts[at], touched=True)
