"""Windows are scored as their targets come in: provisional from ``targets.delay`` on, final once none can come.

Each closed window waits as a *cohort*. It is looked at when its targets should be known, then at intervals that
double, until every row has its target or the horizon ends; each look is at a close, in event time, so that a replay
looks at the same instants as the daemon did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from monitor.identity import window_id
from monitor.instant import SECOND, Instant, microseconds, to_text
from monitor.performance.losses import losses
from monitor.performance.metric import Metric, Value
from monitor.performance.reading import pairs_of
from monitor.pipeline.closed import Closed
from monitor.pipeline.cohorts import Cohort, Scored
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Known, Outcomes
from monitor.scorer import Scorer

Json = dict[str, Any]
_LAG_QUANTILES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a cohort showed.

    Attributes
    ----------
    body: the ``performance`` object; ``None`` if nothing changed since the look before.
    lost, targets: the losses of its last stretch in sum, and of how many rows; 0 rows where none is known.
    """

    version: str
    cohort: Cohort
    body: Json | None
    lost: float
    targets: int


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
    for version in sorted(model.scored):
        scored = model.scored[version]
        for end, cohort in sorted(scored.cohorts.items()):
            if cohort.due > closed.end and not everything:
                continue
            look = _look(model, outcomes, version, cohort, closed, forced=everything)
            found.append(look)
            scored.cohorts[end] = look.cohort
            if look.cohort.final:
                del scored.cohorts[end]
    return found


def _look(model: Model, outcomes: Outcomes, version: str, cohort: Cohort, closed: Closed, *, forced: bool) -> Look:
    plan, scorer = model.plan, model.references.scorer(version)
    length, every = microseconds(plan.window.length), microseconds(plan.window.every)
    rows = outcomes.answers(version, cohort.end - length, cohort.end)
    known = outcomes.known(rows["id"].to_pylist() if rows is not None else [], closed.end)
    last = cohort.end + microseconds(plan.horizon)
    complete = rows is not None and known.count >= rows.num_rows
    final = complete or closed.end >= last
    looked = replace(cohort, joined=known.count, final=final, due=_next(cohort, closed.end, every, last))
    if scorer is None or rows is None or (known.count == cohort.joined and not final and not forced):
        return Look(version, looked, None, 0.0, 0)
    ident = window_id(plan.name, version, cohort.end - length, cohort.end)
    body = {
        "kind": "performance",
        "schema": 1,
        "at": to_text(closed.at),
        "window": ident,
        "targets_coverage_ratio": known.count / rows.num_rows,
        "target_lag_seconds": target_lags(rows, known),
        "performance": performance(scorer, rows, known, final=final, seed=cohort.end),
    }
    lost, targets = _lost(scorer, rows, known, cohort.end - every)
    return Look(version, looked, body, lost, targets)


def _next(cohort: Cohort, now: Instant, every: int, last: Instant) -> Instant:
    """Return when to look again: a stretch later, then two, then four, …, and at the end of the horizon."""
    waited = max(now - cohort.first_due, 0)
    again = now + max(every, waited // every * every)
    return min(again, last) if now < last else again


def performance(scorer: Scorer, rows: pa.Table, known: Known, *, final: bool, seed: int) -> list[Json]:
    """Return the ``Performance`` objects of a window's answers, by metric in the order of the config."""
    pairs, _ = pairs_of(scorer.answers, rows, known.targets)
    order = np.random.default_rng(abs(seed))
    return [_entry(scorer, metric, metric.compute(pairs, order), final=final) for metric in scorer.metrics]


def _entry(scorer: Scorer, metric: Metric, value: Value, *, final: bool) -> Json:
    return {
        "metric": metric.name,
        "reference": scorer.expected.get(metric.name),
        "realised": value_body(value),
        "estimated": None,
        "final": final,
        "why": value.why.value if value.why is not None else None,
    }


def value_body(value: Value) -> Json | None:
    """Return a value with its interval as users see it; ``None`` where there is none."""
    if value.value is None:
        return None
    return {"value": value.value, "lower": value.lower, "upper": value.upper, "rows": value.rows}


def target_lags(rows: pa.Table, known: Known) -> Mapping[str, float | None]:
    """Return how long after their records the targets were known, in seconds; of those that say when."""
    times = np.asarray(rows["timestamp"].to_numpy(), dtype=np.int64)
    lags = [at - time for at, time in zip(known.at, times.tolist(), strict=True) if at]
    return {name: _quantile(lags, share) for name, share in _LAG_QUANTILES.items()}


def _quantile(lags: Sequence[int], share: float) -> float | None:
    return max(float(np.quantile(lags, share, method="lower")), 0.0) / SECOND if lags else None


def _lost(scorer: Scorer, rows: pa.Table, known: Known, start: Instant) -> tuple[float, int]:
    """Return the sum of the losses of the last stretch, and of how many rows."""
    times = np.asarray(rows["timestamp"].to_numpy(), dtype=np.int64)
    first = int(np.searchsorted(times, start))
    pairs, places = pairs_of(scorer.answers, rows.slice(first), known.targets[first:])
    lost = losses(pairs, scorer.scale)
    return float(lost.sum()), len(places)
