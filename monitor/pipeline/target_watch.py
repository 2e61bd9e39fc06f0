"""The ``targets`` alert: the true outcomes have stopped coming, so that nobody knows any more whether it hurts.

They have stopped once the silence lasts three times the longest pause so far; before three pauses are known, not
before a day and twice ``targets.delay`` either. Only targets that say when they were known can be watched.
"""

from __future__ import annotations

from datetime import timedelta

from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.closed import Closed
from monitor.pipeline.cohorts import TargetWatch
from monitor.pipeline.model import Model
from monitor.pipeline.ruling import Finding, follow
from monitor.pipeline.targets import UNDATED

NAME = "targets"
_FOLD, _DELAYS = 3, 2
_KNOWN_PAUSES = 3
_AT_LEAST = timedelta(days=1)


def watch_targets(model: Model, closed: Closed) -> None:
    """Look at one stretch; the alert is the version's that has most records in it."""
    rows = {window["version"]: window["rows"] for window in closed.windows if window["rows"]}
    if model.plan.targets is None or not rows:
        return
    model.watch = _heard(model, model.watch, closed.end)
    version = max(sorted(rows), key=rows.__getitem__)
    if len(model.targets) == 1 and UNDATED in model.targets:
        return
    last = model.watch.heard_until
    since = f"no targets since {to_text(last)}" if last is not None else "no target has come yet"
    cause = {"kind": "no_targets", "column": None, "detail": since, "factor": None}
    breached = closed.end - (last if last is not None else model.watch.since or closed.end) > patience(model)
    follow(model, version, Finding(NAME, breached, diagnosis={"class": "data_fault", "causes": [cause]}), closed)


def patience(model: Model) -> int:
    """Return how long a silence is still usual, in microseconds."""
    every, delay = microseconds(model.plan.window.every), microseconds(model.plan.delay)
    usual = _FOLD * max(model.watch.longest, every)
    if model.watch.pauses >= _KNOWN_PAUSES:
        return usual
    return max(usual, _DELAYS * delay, microseconds(_AT_LEAST))


def _heard(model: Model, watch: TargetWatch, end: Instant) -> TargetWatch:
    """Note the stretches up to an instant in which targets were known; those that were read late count too."""
    every = microseconds(model.plan.window.every)
    since = end if watch.since is None else watch.since
    first = (since - every if watch.heard_until is None else watch.heard_until) // every * every
    heard = [at + every for at in range(first, end, every) if model.targets.get(at)]
    longest, pauses, last = watch.longest, watch.pauses, watch.heard_until
    for at in heard:
        if last is not None:
            longest, pauses = max(longest, at - last), pauses + 1
        last = at
    return TargetWatch(since, last, longest, pauses)
