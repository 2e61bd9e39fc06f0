"""Feeds a stream to the engine and notes when it pages; after a page the evidence starts anew with the next step.

Steps are scored many at once and summed one by one, which gives the evidence of :func:`engine.step` to the last bits.
In production an alert fires until it resolved; here a page that stays true is counted again, which is the harder rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.drift.count import Counter, compiled, engine_of
from benchmarks.drift.real import Shuffled
from benchmarks.drift.sheet import Sheet
from benchmarks.drift.worlds import Simulation
from monitor.calibration.arrays import Floats
from monitor.calibration.engine import Engine
from monitor.calibration.evidence import scores, update
from monitor.calibration.null import AT_ONCE, means_at

Change = Callable[[Sheet], Sheet]


@dataclass(slots=True)
class Referee:
    """An engine, its counter, and the evidence so far.

    Attributes
    ----------
    now: time of the next step; steps of the reference come before.
    pages: times of all pages.
    peak: the most evidence that any step had.
    """

    counter: Counter
    engine: Engine
    now: int
    evidence: Floats = field(init=False)
    peak: float = field(init=False, default=0.0)
    pages: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.evidence = np.zeros(self.engine.null.evidence_shape)

    def watch(self, sheet: Sheet) -> None:
        """Judge the steps of a sheet."""
        null = self.engine.null
        counts, missing = self.counter.count(sheet)
        flat = np.concatenate([*counts, missing], axis=1)
        mean, rows = means_at(null.channels, flat, self.engine.sizes)
        expected = null.season.at(np.arange(self.now, self.now + sheet.steps))
        shift = np.where(rows > 0, mean - expected, 0.0)
        for at in range(0, sheet.steps, AT_ONCE):
            part = slice(at, at + AT_ONCE)
            for z in scores(null, shift[part], rows[part], expected[part], self.engine.replay.kappa):
                self._add(z)

    def _add(self, z: Floats) -> None:
        self.evidence = update(self.evidence, z)
        evidence = float((self.evidence * self.engine.null.view_weight).sum())
        self.peak = max(self.peak, evidence)
        if evidence >= self.engine.threshold:
            self.pages.append(self.now)
            self.evidence = np.zeros_like(self.evidence)
        self.now += 1


def referee_of(reference: Sheet, threshold: float, periods: Sequence[int]) -> Referee:
    """Compile a reference and return who judges what comes after it."""
    counter = compiled(reference)
    return Referee(counter, engine_of(counter, threshold, periods), reference.steps)


def reference_of(history: Simulation | Shuffled) -> Sheet:
    """Return the first steps of a history, which are its reference."""
    return history.reference() if isinstance(history, Shuffled) else history.steps(history.world.reference)
