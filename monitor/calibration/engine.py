"""The decision engine: compiled from a reference once, then fed one step at a time.

:func:`compile_engine` learns the null, replays the reference against itself and fixes everything; :func:`step` is a
pure function of state and counts. It does not reset after a page: while an alert fires the caller keeps the state, asks
:func:`effects` whether the drift is still there, and calls :func:`restart` once it resolved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.calibration import gates, replay
from monitor.calibration import null as _null
from monitor.calibration.arrays import Floats, Ints
from monitor.calibration.channels import Feature, means
from monitor.calibration.evidence import expected_share, row_spread, scores, update
from monitor.calibration.gates import Uncalibrated
from monitor.calibration.null import Null
from monitor.calibration.replay import FalsePages, Replay
from monitor.calibration.state import State, follow, fresh, pack, unpack

ENGINE = b"driftline-engine-1"  # change it whenever old evidence no longer means the same
NORMAL_95 = 1.96  # standard errors on either side that hold 95 %


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Disjoint steps in order of time.

    Attributes
    ----------
    times: in units of the step's length, rising, gaps allowed, (B,).
    counts: rows with a value by bin, one array a feature, (B, bins).
    missing: rows without a value, (B, features).
    """

    times: Ints
    counts: tuple[Ints, ...]
    missing: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """A compiled reference.

    Attributes
    ----------
    threshold: N, the evidence that pages; also the mean number of steps between pages without drift that is promised.
    replay: how the reference pages when one half judges the other; holds kappa.
    uncalibrated: why the promise is not made, or ``None`` where it is.
    digest: of everything it was compiled from; a state belongs to one digest.
    """

    features: tuple[Feature, ...]
    sizes: tuple[int, ...]
    threshold: float
    null: Null
    replay: Replay
    uncalibrated: Uncalibrated | None
    digest: bytes

    @property
    def calibrated(self) -> bool:
        """Whether the false-alarm promise holds."""
        return self.uncalibrated is None

    @property
    def false_pages(self) -> FalsePages | None:
        """Pages without drift per ``threshold`` steps; ``None`` if the reference is too short to be replayed."""
        return replay.false_pages(self.replay)


@dataclass(frozen=True, slots=True)
class Effect:
    """How far a feature is from its reference in its most telling channel.

    ``value`` and the bounds are in ``unit`` s of the reference: 1 for a score in standard deviations, sqrt(p (1-p))
    for a share, so that ``value * unit`` is its change in absolute terms. The bounds hold the reference's own error,
    and 95 % of the noise of the step's rows and of its wobble.
    """

    channel: str
    value: float
    lower: float
    upper: float
    tolerance: float
    unit: float

    @property
    def tolerated(self) -> bool:
        """Whether the interval reaches into the tolerance: the drift may be over."""
        return self.lower <= self.tolerance and self.upper >= -self.tolerance


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step showed.

    Attributes
    ----------
    parts: of the evidence by feature. ``shares``: the same, as shares that sum to 1.
    began: since which time, in steps, a feature's drift most likely lasts; ``None`` where its evidence is at most 1.
    effects: by feature; ``None`` where the step holds no row to tell.
    """

    evidence: float
    threshold: float
    paged: bool
    parts: tuple[float, ...]
    shares: tuple[float, ...]
    began: tuple[int | None, ...]
    effects: tuple[Effect | None, ...]


def compile_engine(features: Sequence[Feature], steps: Steps, threshold: float, periods: Sequence[int]) -> Engine:
    """Return the engine for a reference.

    Parameters
    ----------
    threshold: steps in the promised period, times the inverse of drift's share of the budget.
    periods: of possible seasons, in steps.

    Raises
    ------
    ValueError: no feature, no row, or arrays that do not fit each other.
    """
    _check(features, steps)
    sizes = tuple(counts.shape[1] for counts in steps.counts)
    flat = np.concatenate([*steps.counts, steps.missing], axis=1).astype(np.int64)
    times = np.asarray(steps.times, dtype=np.int64)
    null = _null.fit(features, times, flat, sizes, periods)
    if null is None:
        raise ValueError("the reference holds no row")
    replayed = replay.run(features, times, flat, sizes, periods)
    digest = hashlib.sha256(ENGINE + repr((tuple(features), sizes, sorted(set(periods)))).encode())
    shared = [(feature.group, feature.missing) for feature in features]
    if any(shares != (None, True) for shares in shared):
        digest.update(repr(shared).encode())
    digest.update(times.astype("<i8").tobytes() + flat.astype("<i8").tobytes())
    return Engine(
        features=tuple(features),
        sizes=sizes,
        threshold=threshold,
        null=null,
        replay=replayed,
        uncalibrated=gates.judge(null, replayed),
        digest=digest.digest(),
    )


def _check(features: Sequence[Feature], steps: Steps) -> None:
    blocks = len(steps.times)
    shapes = [counts.shape for counts in steps.counts]
    if not features or len(features) != len(shapes) or steps.missing.shape != (blocks, len(features)):
        raise ValueError("one array of counts and one column of missing rows a feature, and at least one feature")
    if any(len(shape) != 2 or shape[0] != blocks or shape[1] < 1 for shape in shapes):  # noqa: PLR2004 - a matrix
        raise ValueError("counts of a feature are (steps, bins)")
    if np.any(np.diff(steps.times) <= 0):
        raise ValueError("times of steps rise")


def start(engine: Engine) -> State:
    """Return the state before the first step."""
    return fresh(engine.null.evidence_shape)


def restart(state: State) -> State:
    """Return the state after an alert resolved: no evidence."""
    return fresh(state.evidence.shape)


def to_bytes(engine: Engine, state: State) -> bytes:
    """Return the state for the store."""
    return pack(state, engine.digest)


def from_bytes(engine: Engine, payload: bytes) -> State | None:
    """Return the stored state, bit for bit; ``None`` if it was of another reference or setting: start anew."""
    return unpack(payload, engine.digest, engine.null.evidence_shape)


def step(
    engine: Engine, state: State, time: int, counts: Sequence[Ints], missing: Ints, threshold: float | None = None
) -> tuple[State, StepResult]:
    """Return the state after a step, and what the step showed. Nothing is reset after a page.

    Parameters
    ----------
    time: of the step, on the scale of the reference's times.
    counts: rows with a value by bin, one array a feature, (bins,).
    missing: rows without a value, (features,).
    threshold: instead of the engine's.
    """
    shift, rows, expected = _observe(engine, time, counts, missing)
    z = scores(engine.null, shift, rows, expected, engine.replay.kappa)[0]
    following = follow(state, update(state.evidence, z), time)
    by_feature = feature_evidence(engine, following)
    evidence = float(by_feature.sum())
    least = engine.threshold if threshold is None else threshold
    result = StepResult(
        evidence=evidence,
        threshold=least,
        paged=evidence >= least,
        parts=tuple(by_feature.tolist()),
        shares=tuple((by_feature / evidence).tolist()) if evidence > 0 else (0.0,) * len(engine.features),
        began=_began(engine, following, by_feature),
        effects=_effects(engine, following, shift, rows, expected),
    )
    return following, result


def effects(
    engine: Engine, state: State, time: int, counts: Sequence[Ints], missing: Ints
) -> tuple[Effect | None, ...]:
    """Return each feature's effect in a step, in the channel where ``state`` holds most evidence; changes nothing."""
    return _effects(engine, state, *_observe(engine, time, counts, missing))


def feature_evidence(engine: Engine, state: State) -> Floats:
    """Return each feature's part of the evidence E, (features,)."""
    part = _channel_parts(engine, state.evidence)
    return _by_feature(engine, part)


def _observe(engine: Engine, time: int, counts: Sequence[Ints], missing: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the shift from the season, the rows and the season of each channel, all (1, C)."""
    flat = np.concatenate([*counts, missing]).astype(np.int64)[np.newaxis]
    mean, rows = means(engine.null.channels, flat, engine.sizes)
    expected = engine.null.season.at(np.array([time], dtype=np.int64))
    return np.where(rows > 0, mean - expected, 0.0), rows, expected


def _channel_parts(engine: Engine, terms: Floats) -> Floats:
    """Return the weighted sum of ``terms``, (2, 6, views), of each channel, (C,)."""
    null = engine.null
    by_view = (terms * null.view_weight).sum(axis=(0, 1))
    part: Floats = by_view[: len(null.channels)]
    part[null.ranked] += by_view[len(null.channels) :]
    return part


def _by_feature(engine: Engine, part: Floats) -> Floats:
    total = np.bincount(engine.null.channels.feature, weights=part, minlength=len(engine.features))
    return total.astype(np.float64)


def _began(engine: Engine, state: State, by_feature: Floats) -> tuple[int | None, ...]:
    """Return the evidence-weighted mean onset of each feature whose evidence stands over 1."""
    top = max(float(state.evidence.max()), 1.0)  # evidence times time must not overflow
    onset = _channel_parts(engine, state.evidence / top * state.onset)
    weighted = _by_feature(engine, onset)
    return tuple(
        round(total / (whole / top)) if whole > 1 else None for total, whole in zip(weighted, by_feature, strict=True)
    )


def _effects(engine: Engine, state: State, shift: Floats, rows: Floats, expected: Floats) -> tuple[Effect | None, ...]:
    null, channels = engine.null, engine.null.channels
    spread = row_spread(channels, expected_share(channels, expected))
    error = np.sqrt(spread**2 / np.maximum(rows, 1) + null.wobble.variance)
    widths = (null.inflation.margin + NORMAL_95 * error)[0]
    found: list[Effect | None] = [None] * len(engine.features)
    for channel in strongest(channels.feature, _channel_parts(engine, state.evidence)).tolist():
        if rows[0, channel] > 0:
            value, width = float(shift[0, channel]), float(widths[channel])
            found[channels.feature[channel]] = Effect(
                channel=channels.names[channel],
                value=value,
                lower=value - width,
                upper=value + width,
                tolerance=float(channels.tolerance[channel]),
                unit=float(channels.unit[channel]),
            )
    return tuple(found)


def strongest(feature: Ints, part: Floats) -> Ints:
    """Return the first channel with the largest part in each feature that has channels.

    >>> strongest(np.array([0, 0, 2, 2, 2]), np.array([1.0, 3.0, 0.0, 5.0, 5.0])).tolist()
    [1, 3]
    """
    falling: Ints = np.lexsort((-part, feature))
    return falling[np.diff(feature[falling], prepend=-1) > 0]
