"""The judge of one model version: its compiled reference, the decision engine, and a threshold for every column.

Compiled once from a reference; from then on every function here is pure: profiles and memory go in, what was
found and the next memory come out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.alert import AlertSettings
from monitor.apart.ground import Ground
from monitor.budget import budget_steps, divided, quality_level, seasons
from monitor.by_values import Values
from monitor.calibration import engine as calibration
from monitor.calibration.cures import FIXED_RULES, NO_TIMESTAMPS
from monitor.calibration.engine import Engine
from monitor.calibration.fitness import Fitness, fitness
from monitor.calibration.state import State
from monitor.comparison import DriftSettings, sides_of
from monitor.drift import METHODS
from monitor.errors import ReferenceUnusable
from monitor.profile import Integers, Profile
from monitor.quality import Expectations, expectations
from monitor.quality.settings import QualitySettings
from monitor.quality.sizes import Sizes, sizes_of
from monitor.reference import Reference
from monitor.reference_steps import Steps
from monitor.segments import Segmentation
from monitor.usual import Usual
from monitor.watched import Watched, features_of, watch
from monitor.window import WindowSettings

_THIRTY_DAYS = timedelta(days=30)
_FALSE_PAGES = ("expected", "lower", "upper")
NO_QUALITY = QualitySettings(checks="off")
FINE_METHODS = frozenset(name for name, method in METHODS.items() if method.grain == "cells")


@dataclass(frozen=True, slots=True)
class Judge:
    """All that is needed to judge the windows of one version.

    ``engine`` is ``None`` where the reference has no timestamps, or every column its fixed rule; ``why`` says why the
    promise does not hold.
    """

    reference: Reference
    watched: tuple[Watched, ...]
    engine: Engine | None = field(repr=False)
    why: str | None
    bin_starts: NDArray[np.intp] = field(repr=False)
    """The first cell of each coarse bin, of all columns that have bins one after the other."""
    bin_spans: tuple[slice, ...] = field(repr=False)
    """Where each watched column's coarse bins stand among those of all columns."""
    expected: Expectations = field(repr=False, default=Expectations())
    """What is expected of the quality of its data."""
    quality_level: float = 0.0
    """The chance of a false violation in a window, over all that is expected."""
    usual: Mapping[str, Usual] = field(default_factory=dict, repr=False)  # of latency and volume, as far as it tells
    ground: Ground | None = field(default=None, repr=False)  # what a classifier tells steps from, if one is asked for
    values: Values | None = field(default=None, repr=False)  # what tests of Evidently's are given, where some are
    sizes: Sizes | None = field(default=None, repr=False)  # where attributions stand; ``None`` where none are logged
    parts: tuple[Parts, ...] = field(default=(), repr=False)
    """What judges its segments, by column or pair."""

    @property
    def segments(self) -> Mapping[str, Judge | None]:
        """Return what judges each segment, by its label."""
        return {label: judge for part in self.parts for label, judge in part.labelled}

    def shares(self, sharing: int) -> tuple[int, int]:
        """Return among how many the budget is divided, as the version sees it, and as each of its segments does.

        Parameters
        ----------
        sharing: how many live versions share the budget.
        """
        return divided(sharing, sum(judge is not None for judge in self.segments.values()))

    @property
    def weighed(self) -> tuple[int, ...]:
        """Return the indices of the watched columns whose evidence is weighed: those without a fixed rule."""
        return tuple(index for index, entry in enumerate(self.watched) if entry.weighs)

    @property
    def ruled(self) -> bool:
        """Say whether every column has its fixed rule."""
        return not self.weighed

    @property
    def calibrated(self) -> bool:
        """Say whether the false-alarm promise holds."""
        return self.why is None


@dataclass(frozen=True, slots=True)
class Parts:
    """The segments of one column or pair, and the judge of each; ``None`` where its reference allows none."""

    cut: Segmentation
    judges: tuple[Judge | None, ...] = field(repr=False)

    @property
    def labelled(self) -> Iterable[tuple[str, Judge | None]]:
        """Return the segments by label, each with its judge."""
        return zip(self.cut.labels, self.judges, strict=True)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a judge remembers between steps.

    Attributes
    ----------
    state: the engine's evidence; ``None`` without an engine.
    counts, missing, rows: of the stretches since the last step, which had too few rows to be one.
    evidence: after the last step. ``parts``: the evidence by column that is weighed, in order.
    began: since which step each such column's drift most likely lasts, in stretches since 1970.
    """

    state: State | None
    counts: tuple[Integers, ...] = ()
    missing: Integers | None = None
    rows: int = 0
    evidence: float = 0.0
    parts: tuple[float, ...] = ()
    began: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judged step showed.

    ``culprits`` are the columns whose own evidence reaches the square root of the threshold, and always the
    largest; ``tolerated`` those whose effect reaches into its tolerance: not those without a row to tell it.
    """

    evidence: float
    threshold: float
    culprits: tuple[str, ...]
    began: int | None
    tolerated: frozenset[str]


def compile_judge(
    reference: Reference,
    drift: DriftSettings,
    alerts: AlertSettings,
    window: WindowSettings,
    quality: QualitySettings = NO_QUALITY,
    period: int | None = None,
    *,
    without: Collection[str] = (),
) -> Judge:
    """Compile the engine, the thresholds and the expectations from a reference.

    Parameters
    ----------
    period: of a season to look for beside day and week, in microseconds and whole steps.
    without: columns that are not judged: of a segment those whose values make it, and those by a child process.

    Raises
    ------
    ReferenceUnusable: no column can be judged.
    """
    columns = enumerate(reference.binning.columns)
    places = [place for place, bins in columns if bins.bins is not None and bins.column.name not in without]
    sides = sides_of(reference.profile, reference.binning)
    watched = tuple(watch(reference, place, drift, window, sides[place]) for place in places)
    if not watched:
        raise ReferenceUnusable("E165", "no column of the reference can be judged", "name other features")
    rest = *_coarse_bins(reference, watched), expectations(reference, quality), quality_level(alerts, window)
    weighed = tuple(entry for entry in watched if entry.weighs)
    if reference.steps is None or not weighed:
        why = NO_TIMESTAMPS if weighed else FIXED_RULES
        return Judge(replace(reference, fine={}), watched, None, why, *rest, sizes=sizes_of(reference))
    engine = calibration.compile_engine(
        features_of(reference, weighed),
        _engine_steps(reference.steps, weighed),
        budget_steps(alerts, window),
        seasons(window, None if period is None else timedelta(microseconds=period)),
    )
    uncalibrated = None if engine.uncalibrated is None else str(engine.uncalibrated)
    return Judge(replace(reference, fine={}), watched, engine, uncalibrated, *rest, sizes=sizes_of(reference))


def _coarse_bins(reference: Reference, watched: Iterable[Watched]) -> tuple[NDArray[np.intp], tuple[slice, ...]]:
    """Return where each coarse bin starts among all cells, and where each watched column stands among all bins."""
    starts, spans, end = [], {}, 0
    for place, fold in enumerate(reference.folds):
        if fold is not None and reference.binning.columns[place].bins is not None:
            starts.append(reference.binning.offsets[place] + np.flatnonzero(np.diff(fold, prepend=-1)))
            spans[place] = slice(end, end + len(starts[-1]))
            end = spans[place].stop
    return np.concatenate(starts), tuple(spans[entry.place] for entry in watched)


def expected_false_alarms(judge: Judge, alerts: AlertSettings) -> dict[str, float | None]:
    """Return false pages per 30 days: promised, and as the reference's replay of itself bears out."""
    rate = alerts.false_alarms
    promised = rate.count * (_THIRTY_DAYS / rate.period)
    if judge.engine is None or not judge.calibrated or judge.engine.false_pages is None:
        return {"promised": promised, "expected": None, "lower": None, "upper": None}
    whole, each = judge.shares(1)
    pages = [(judge.engine.false_pages, whole)]
    pages += [
        (part.engine.false_pages, each)
        for part in judge.segments.values()
        if part is not None and part.calibrated and part.engine is not None and part.engine.false_pages is not None
    ]
    scale = promised * alerts.share.drift
    figures = {name: sum(getattr(found, name) / share for found, share in pages) for name in _FALSE_PAGES}
    return {"promised": promised, **{name: figure * scale for name, figure in figures.items()}}


def _engine_steps(steps: Steps, watched: tuple[Watched, ...]) -> calibration.Steps:
    places = [entry.place for entry in watched]
    return calibration.Steps(steps.times, tuple(steps.counts[place] for place in places), steps.missing[:, places])


def judged_fitness(judge: Judge) -> Fitness | None:
    """Return how fit the reference is; ``None`` without timestamps."""
    if judge.engine is None or judge.reference.steps is None:
        return None
    return fitness(judge.engine, _engine_steps(judge.reference.steps, _weighed(judge)))


def _weighed(judge: Judge) -> tuple[Watched, ...]:
    return tuple(judge.watched[index] for index in judge.weighed)


def first_memory(judge: Judge) -> Memory:
    """Return the memory before the first step."""
    parts = (0.0,) * len(judge.weighed)
    state = None if judge.engine is None else calibration.start(judge.engine)
    return Memory(state, parts=parts, began=(None,) * len(parts))


def gather(judge: Judge, memory: Memory, profile: Profile) -> Memory:
    """Add a stretch's rows to those that wait for a step."""
    every = coarse_counts(judge, profile)
    folded = tuple(every[index] for index in judge.weighed)
    missing = profile.absent[[entry.place for entry in _weighed(judge)]]
    if memory.missing is not None:
        folded = tuple(a + b for a, b in zip(memory.counts, folded, strict=True))
        missing = memory.missing + missing
    return replace(memory, counts=folded, missing=missing, rows=memory.rows + profile.rows)


def coarse_counts(judge: Judge, profile: Profile) -> tuple[Integers, ...]:
    """Return the rows in each coarse bin, one array a watched column. All cells are added up in one go."""
    flat: Integers = np.add.reduceat(profile.counts, judge.bin_starts)
    return tuple(flat[span] for span in judge.bin_spans)


def judge_step(judge: Judge, memory: Memory, stretch: int, *, frozen: bool, sharing: int) -> tuple[Memory, Finding]:
    """Feed the gathered rows to the engine as one step.

    Parameters
    ----------
    stretch: the number of its last stretch of length ``every`` since 1970.
    frozen: whether an alert fires by its evidence: then the evidence stays as it is.
    sharing: how many live versions share the budget.
    """
    engine, state, missing = judge.engine, memory.state, memory.missing
    if engine is None or state is None or missing is None:
        raise ValueError("a judge without an engine judges no step")
    threshold = engine.threshold * sharing
    if frozen:
        effects = calibration.effects(engine, state, stretch, memory.counts, missing)
        parts, began, evidence = memory.parts, memory.began, memory.evidence
    else:
        state, result = calibration.step(engine, state, stretch, memory.counts, missing, threshold)
        parts, effects, began, evidence = result.parts, result.effects, result.began, result.evidence
    after = Memory(state, evidence=evidence, parts=parts, began=began)
    names = [entry.column.name for entry in _weighed(judge)]
    tolerated = frozenset(
        n for n, effect in zip(names, effects, strict=True) if effect is not None and effect.tolerated
    )
    return after, Finding(evidence, threshold, *_culprits(names, after, threshold), tolerated=tolerated)


def _culprits(names: list[str], memory: Memory, threshold: float) -> tuple[tuple[str, ...], int | None]:
    """Return the columns that carry the evidence, strongest first, and since which stretch the strongest does."""
    order = sorted(range(len(names)), key=lambda i: (-memory.parts[i], names[i]))
    strong = [i for i in order if memory.parts[i] >= threshold**0.5] or order[:1]
    return tuple(names[i] for i in strong), memory.began[strong[0]]


def forget(judge: Judge, memory: Memory) -> Memory:
    """Return the memory after an alert resolved: no evidence, the waiting rows kept."""
    fresh = first_memory(judge)
    return replace(fresh, counts=memory.counts, missing=memory.missing, rows=memory.rows)
