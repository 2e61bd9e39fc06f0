"""Windows are scored as their targets come in: provisional from ``targets.delay`` on, final once none can come.

Each closed window waits as a *cohort*. It is looked at when its targets should be known, then whenever more have come,
though the less often the older it is, until every row has its target or the horizon ends; each look is at a close, in
event time, so that a replay looks at the same instants as the daemon did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.identity import window_id
from monitor.instant import SECOND, Instant, microseconds, to_text
from monitor.performance.answers import improper_share
from monitor.performance.estimate.trust import LAST, is_missed
from monitor.performance.losses import losses
from monitor.performance.metric import Metric, Value
from monitor.performance.pairs import Pairs
from monitor.performance.reading import pairs_of
from monitor.pipeline.closed import Closed
from monitor.pipeline.cohorts import Cohort, Scored
from monitor.pipeline.estimating import Estimates, outlooks_of
from monitor.pipeline.fairness import Between, between_groups, fairness_bodies
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Known, Outcomes
from monitor.pipeline.past_misses import Miss, Past, misses_of
from monitor.pipeline.targets import UNDATED
from monitor.scorer import Scorer

Json = dict[str, Any]
_LAG_QUANTILES = {"p50": 0.5, "p95": 0.95}
_AGE_BETWEEN_LOOKS = 8
"""A window is not looked at again before it has aged by an eighth."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a cohort showed.

    Attributes
    ----------
    body: the ``performance`` object; ``None`` if nothing changed since the look before.
    lost, targets: the losses of its last stretch in sum, and of how many rows; 0 rows where none is known.
    missed: whether what was realised lies outside the band of the estimate.
    off: at the last look, how far the estimate of each metric was from what was realised.
    """

    version: str
    cohort: Cohort
    body: Json | None = None
    lost: float = 0.0
    targets: int = 0
    missed: bool | None = None
    off: Mapping[str, Miss] = field(default_factory=dict)
    parts: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """Losses and targets of each segment, as ``lost`` and ``targets`` of all."""
    between: Sequence[Between] = ()


def meet(model: Model, closed: Closed) -> None:
    """Let the windows that close now wait for their targets."""
    for window in closed.windows:
        version = window["version"]
        if window["rows"] and model.waits(version):
            due = closed.end + microseconds(model.plan.delay)
            cohorts = model.scored.setdefault(version, Scored()).cohorts
            cohorts[closed.end] = Cohort(closed.end, window["rows"], due, due)


def look_again(model: Model, outcomes: Outcomes, closed: Closed, *, everything: bool = False) -> list[Look]:
    """Look at every cohort that is due, in the order of time; one that is final waits no longer.

    ``everything``: the history ends here, so each is looked at once more, due or not.
    """
    found = []
    horizon = microseconds(model.plan.horizon)
    for version in sorted(model.scored):
        scored = model.scored[version]
        waiting, now = scored.cohorts.items(), closed.end
        due = waiting if everything else [item for item in waiting if _is_due(item[1], now, horizon)]
        for end, cohort in sorted(due):
            look = _look(model, outcomes, version, cohort, closed, forced=everything)
            found.append(look)
            scored.cohorts[end] = look.cohort
            if look.missed is not None and not cohort.fed:
                scored.missed = (*scored.missed, look.missed)[-LAST:]
            if look.off and stands_apart(model, end):
                scored.past = _past(model, version, look.off)
            if look.cohort.final:
                del scored.cohorts[end]
    return found


def _look(model: Model, outcomes: Outcomes, version: str, cohort: Cohort, closed: Closed, *, forced: bool) -> Look:
    plan = model.plan
    length, every = microseconds(plan.window.length), microseconds(plan.window.every)
    rows = outcomes.answers(version, cohort.end - length, cohort.end)
    known = None if rows is None else outcomes.known(rows, closed.end)
    joined = 0 if known is None else known.ids
    last = cohort.end + microseconds(plan.horizon)
    final = joined >= cohort.rows or closed.end >= last
    due = _next(cohort, closed.end, every)
    looked = replace(cohort, joined=joined, final=final, due=due, touched=False, looked=True)
    scorer = model.references.scorer(version)
    if scorer is None or rows is None or known is None or (joined == cohort.joined and not final and not forced):
        return Look(version, looked)
    expected = outcomes.remembered.of(scorer, rows, (version, cohort.end), *_before(model, version))
    return _score(model, scorer, Look(version, looked), (rows, known, expected), closed)


def _score(model: Model, scorer: Scorer, look: Look, seen: tuple[pa.Table, Known, Estimates], closed: Closed) -> Look:
    """Return a look with the window's performance, as its answers, their targets and estimates say by now."""
    rows, known, expected = seen
    version, cohort, window = look.version, look.cohort, model.plan.window
    start = cohort.end - microseconds(window.length)
    pairs, readable = pairs_of(scorer.answers, known.rows, known.targets)
    values, between = realised(scorer, pairs, cohort.end), between_groups(scorer, rows, known)
    body = {
        "kind": "performance",
        "schema": 1,
        "at": to_text(closed.at),
        "window": window_id(model.plan.name, version, start, cohort.end),
        "targets_coverage_ratio": known.count / rows.num_rows,
        "targets_unreadable_ratio": 1 - len(readable) / known.count if known.count else None,
        "targets_before_record_ratio": early_targets(known),
        "scores_improper_ratio": improper_share(pairs),
        "target_lag_seconds": target_lags(known),
        "performance": [
            _entry(scorer, metric, values[metric.name], expected, final=cohort.final) for metric in scorer.metrics
        ],
        "fairness": fairness_bodies(between),
        "segments": [],
    }
    lost, targets = _lost(scorer, pairs if window.every == window.length else _last_pairs(model, scorer, known, cohort))
    parts = dict[str, tuple[float, int]]()
    for cut in scorer.cuts:
        codes = cut.codes(rows)
        for place, label in enumerate(cut.labels):
            mine = codes == place
            own = int(mine.sum()), known.only(mine[known.places])
            part, parts[label] = _score_part(model, scorer, label, own, cohort)
            body["segments"].append(part)
    off, outlooks = dict[str, Miss](), expected.outlooks
    if cohort.final and outlooks:
        if len(readable) < rows.num_rows:
            outlooks = outlooks_of(scorer, known.rows.take(pa.array(readable)))
        off = misses_of(outlooks, values)
    missed = _first_miss(values, expected.judged)
    return replace(look, body=body, lost=lost, targets=targets, missed=missed, off=off, parts=parts, between=between)


def _score_part(
    model: Model, whole: Scorer, label: str, own: tuple[int, Known], cohort: Cohort
) -> tuple[Json, tuple[float, int]]:
    """Return the performance of a segment's rows, and the losses of their last stretch; see ``_score``."""
    rows, known = own
    scorer, window = whole.parts.get(label, whole), model.plan.window
    pairs, _ = pairs_of(scorer.answers, known.rows, known.targets)
    values = realised(scorer, pairs, cohort.end)
    body = {
        "segment": label,
        "rows": rows,
        "targets_coverage_ratio": known.count / rows if rows else None,
        "performance": [
            _entry(scorer, metric, values[metric.name], Estimates(), final=cohort.final) for metric in scorer.metrics
        ],
    }
    last = pairs if window.every == window.length else _last_pairs(model, scorer, known, cohort)
    return body, _lost(scorer, last)


def _first_miss(values: Mapping[str, Value], judged: Mapping[str, Value]) -> bool | None:
    """Say whether the first metric that is estimated missed its band; ``None`` if that cannot be told."""
    known = (is_missed(judged[name], value) for name, value in values.items() if name in judged)
    return next((missed for missed in known if missed is not None), None)


def _is_due(cohort: Cohort, now: Instant, horizon: int) -> bool:
    """Say whether a look may show anything new: the first, one after targets came, or the last."""
    return now >= cohort.end + horizon or (now >= cohort.due and (cohort.touched or not cohort.looked))


def _next(cohort: Cohort, now: Instant, every: int) -> Instant:
    return now + max(every, (now - cohort.first_due) // _AGE_BETWEEN_LOOKS)


def estimate_windows(model: Model, outcomes: Outcomes, closed: Closed) -> None:
    """Write into the windows that close now what their answers let expect."""
    length = microseconds(model.plan.window.length)
    for window in closed.windows:
        scorer = model.references.scorer(window["version"])
        if scorer is None or not (scorer.estimator or scorer.watches) or not window["rows"]:
            continue
        rows = outcomes.answers(window["version"], closed.end - length, closed.end)
        if rows is not None:
            version = window["version"]
            expected = outcomes.remembered.of(scorer, rows, (version, closed.end), *_before(model, version))
            window["performance"] = [_entry(scorer, metric, None, expected, final=False) for metric in scorer.metrics]
            window["fairness"] = fairness_bodies(between_groups(scorer, rows, None))


def _before(model: Model, version: str) -> tuple[tuple[bool, ...], Past | None]:
    """Return which of the last windows missed their band, and how far they were off against the present reference."""
    scored = model.scored.get(version)
    if scored is None:
        return (), None
    judge, scorer, past = model.references.judge(version), model.references.scorer(version), scored.past
    known = past and judge and scorer and past.is_of(judge.reference.id, scorer.expected)
    return scored.missed, past if known else None


def _past(model: Model, version: str, off: Mapping[str, Miss]) -> Past | None:
    """Return how far the last windows were off, with one more of them."""
    judge, scorer = model.references.judge(version), model.references.scorer(version)
    if judge is None or scorer is None:
        return None
    before = _before(model, version)[1]
    return (before or Past(judge.reference.id, dict(scorer.expected))).later(off)


def stands_apart(model: Model, end: Instant) -> bool:
    """Say whether a window shares no rows with the others of which this is said: of those that overlap one counts."""
    window = model.plan.window
    return end % microseconds(window.length) < microseconds(window.every)


def realised(scorer: Scorer, pairs: Pairs, seed: int) -> dict[str, Value]:
    """Return what the known targets say of a window's answers, by metric in the order of the config."""
    order = np.random.default_rng(abs(seed))
    return {metric.name: metric.compute(pairs, order) for metric in scorer.metrics}


def _entry(scorer: Scorer, metric: Metric, value: Value | None, expected: Estimates, *, final: bool) -> Json:
    """Return a ``Performance`` object: why it has no realised value, and why no estimate or none to be trusted."""
    guess = expected.values.get(metric.name)
    estimated = None if guess is None else value_body(guess)
    lacking = guess.why if guess is not None else scorer.unestimated(metric.name)
    estimate_why = expected.why if estimated is not None else lacking
    return {
        "metric": metric.name,
        "reference": scorer.expected.get(metric.name),
        "realised": None if value is None else value_body(value),
        "estimated": estimated,
        "final": final,
        "why": value.why.value if value is not None and value.why is not None else None,
        "past_error": expected.past_errors.get(metric.name),
        "estimate_why": None if estimate_why is None else estimate_why.value,
    }


def value_body(value: Value) -> Json | None:
    """Return a value with its interval as users see it; ``None`` where there is none."""
    if value.value is None:
        return None
    return {"value": value.value, "lower": value.lower, "upper": value.upper, "rows": value.rows}


def target_lags(known: Known) -> Mapping[str, float | None]:
    """Return how long after their records the targets were known, in seconds; of those that say when."""
    lags = np.sort(_lags(known))
    return {name: _quantile(lags, share) for name, share in _LAG_QUANTILES.items()}


def early_targets(known: Known) -> float | None:
    """Return the share of targets that are dated before their own record; of those that say when, if any does."""
    lags = _lags(known)
    return int((lags < 0).sum()) / len(lags) if len(lags) else None


def _lags(known: Known) -> NDArray[np.int64]:
    lags = known.at - np.asarray(known.rows["timestamp"].to_numpy(), dtype=np.int64)
    return np.asarray(lags[known.at != UNDATED], np.int64)


def _quantile(lags: NDArray[np.int64], share: float) -> float | None:
    """Return a quantile of lags that are sorted, in seconds."""
    return max(float(lags[math.floor(share * (len(lags) - 1))]), 0.0) / SECOND if len(lags) else None


def _last_pairs(model: Model, scorer: Scorer, known: Known, cohort: Cohort) -> Pairs:
    """Return the pairs of the last stretch of a window that is longer than it."""
    times = np.asarray(known.rows["timestamp"].to_numpy(), dtype=np.int64)
    first = int(np.searchsorted(times, cohort.end - microseconds(model.plan.window.every)))
    return pairs_of(scorer.answers, known.rows.slice(first), known.targets[first:])[0]


def _lost(scorer: Scorer, pairs: Pairs) -> tuple[float, int]:
    """Return the sum of the losses of a stretch, and of how many rows."""
    lost = losses(pairs, scorer.scale)
    lost = lost[~np.isnan(lost)]
    return float(lost.sum()), len(lost)
