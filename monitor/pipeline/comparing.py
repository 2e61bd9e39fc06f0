"""Versions that serve side by side are compared at every close: answers of a stretch at once, losses as targets come.

A stretch of which both versions scored the same records, as a version in the shadow of another does, is compared on
those; else on all records of each, which must have come to them by chance. The version that is older is the baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from monitor.calibration.difference import LEAST_ROWS, Contest, Scale, Side, enter
from monitor.instant import Instant, microseconds
from monitor.latency import GROWTH
from monitor.pipeline.closed import Closed
from monitor.pipeline.counted import counted_predictions
from monitor.pipeline.figures import Values, paired, predicted, realised_losses, told_losses
from monitor.pipeline.model import Model
from monitor.pipeline.outcomes import Outcomes
from monitor.pipeline.profiles import stretch_profile
from monitor.pipeline.scoring import Look
from monitor.versions import Figure, Versus, comparison_body

Json = dict[str, Any]


def compare_counts(model: Model, live: Sequence[str], closed: Closed) -> None:
    """Take in how long the versions took in the stretch that ends now, and what they predicted if no answer is kept.

    This is before its panes are forgotten.
    """
    if len(live) < 2:  # noqa: PLR2004 - two to compare
        model.versus.clear()
        return
    sides = {name: side for name in live if (side := _latency(model, name, closed.end)).rows}
    for name, versus in _comparisons(model, sides, closed).items():
        _enter(versus, (Figure.LATENCY, ""), sides[name], sides[versus.baseline])
    told = {name: found for name in live if (found := _counted(model, name, closed.end))}
    for name, versus in _comparisons(model, told, closed).items():
        if model.keeps_answers(name) and model.keeps_answers(versus.baseline):
            continue  # compared record by record, see _compare_now
        mine, theirs = told[name], told[versus.baseline]
        for label in sorted(mine.keys() & theirs.keys()):
            _enter(versus, (Figure.PREDICTIONS, label), mine[label], theirs[label])


def _counted(model: Model, name: str, end: Instant) -> dict[str, Side]:
    """Return what a version predicted in a stretch, by class; empty where it has no reference or no row."""
    judge, scorer = model.versions[name].judge, model.references.scorer(name)
    if judge is None:
        return {}
    binning, start = judge.reference.binning, end - microseconds(model.plan.window.every)
    positive = scorer.answers.classes[1] if scorer is not None and scorer.answers.task == "binary" else None
    return counted_predictions(binning, stretch_profile(model, name, binning, (start, end)), positive)


def _latency(model: Model, name: str, end: Instant) -> Side:
    """Return the sum of the logarithms of the latencies of a stretch, up to a constant."""
    first = end - microseconds(model.plan.window.every)
    panes = [model.panes.get((name, at)) for at in range(first, end, model.plan.window.pane)]
    counts = sum((pane.latency for pane in panes if pane is not None), np.zeros(1, np.int64))[1:]
    whole = int((counts * np.arange(1, len(counts) + 1)).sum())
    return Side(whole * float(np.log(GROWTH)), int(counts.sum()))


def compare_answers(
    model: Model, outcomes: Outcomes | None, looks: Iterable[Look], closed: Closed, *, everything: bool
) -> None:
    """Take in what the answers of the stretch that ends now let expect, and losses whose targets came; tell of all.

    ``everything``: the history ends here, so losses are compared as far as they are known.
    """
    if not model.versus and len(model.live) < 2:  # noqa: PLR2004 - two to compare
        return
    if outcomes is not None:
        if not everything:
            _compare_now(model, outcomes, closed)
        looked = {(look.version, look.cohort.end) for look in looks}
        _compare_losses(model, outcomes, looked, closed, everything=everything)
    for name, versus in sorted(model.versus.items()):
        body = comparison_body(versus, model.plan.versions, with_targets=model.plan.targets is not None)
        closed.comparisons[name] = body
    for window in closed.windows:
        window["compared"] = closed.comparisons.get(window["version"])


def baseline_of(model: Model) -> str | None:
    """Return the live version that others are held against: the one that the config names, else the oldest."""
    live = model.live
    if model.plan.versions.baseline in live:
        return model.plan.versions.baseline
    return min(live, key=lambda name: (model.versions[name].since, len(name), name), default=None)


def _comparisons(model: Model, serving: Iterable[str], closed: Closed) -> dict[str, Versus]:
    """Return the comparisons of versions that serve in this stretch; one with another baseline begins anew."""
    baseline, live = baseline_of(model), set(model.live)
    for name, versus in list(model.versus.items()):
        if name not in live or versus.baseline != baseline:
            del model.versus[name]
    names = set(serving)
    if baseline is None or baseline not in names:
        return {}
    since = closed.end - microseconds(model.plan.window.every)
    return {name: model.versus.setdefault(name, Versus(baseline, since)) for name in sorted(names - {baseline})}


def _compare_now(model: Model, outcomes: Outcomes, closed: Closed) -> None:
    """Compare predictions and estimates of the stretch that ends now; its losses wait for their targets."""
    start = closed.end - microseconds(model.plan.window.every)
    read = {name: outcomes.answers(name, start, closed.end) for name in model.live if model.keeps_answers(name)}
    rows = {name: table for name, table in read.items() if table is not None}
    for name, versus in _comparisons(model, rows, closed).items():
        new, old = model.references.scorer(name), model.references.scorer(versus.baseline)
        if new is None or old is None:
            continue
        pair = rows[name], rows[versus.baseline]
        both = told_losses(pair[0], old.scale), told_losses(pair[1], old.scale)
        if both[0] is not None and both[1] is not None:
            _meet(versus, (Figure.ESTIMATE, ""), both[0], both[1])
        mine, theirs = predicted(new.answers, pair[0]), predicted(old.answers, pair[1])
        for label in sorted(mine.keys() & theirs.keys()):
            _meet(versus, (Figure.PREDICTIONS, label), mine[label], theirs[label])
        if model.plan.targets is not None:
            versus.waiting.append(closed.end)


def _compare_losses(
    model: Model, outcomes: Outcomes, looked: set[tuple[str, Instant]], closed: Closed, *, everything: bool
) -> None:
    """Compare the losses of each stretch once, as soon as enough targets of both sides are known, or none can come."""
    for name, versus in sorted(model.versus.items()):
        still = []
        for end in versus.waiting:
            sides = name, versus.baseline
            over = everything or not any(_waits(model, side, end) for side in sides)
            if not over and not any((side, end) in looked for side in sides):
                still.append(end)
                continue
            both = [_losses(model, outcomes, (side, versus.baseline), end, closed.end) for side in sides]
            if not over and min(len(values) for values in both) < LEAST_ROWS:
                still.append(end)
            else:
                _meet(versus, (Figure.LOSS, ""), both[0], both[1])
        versus.waiting = still


def _waits(model: Model, name: str, end: Instant) -> bool:
    scored = model.scored.get(name)
    return scored is not None and end in scored.cohorts


def _losses(model: Model, outcomes: Outcomes, of: tuple[str, str], end: Instant, until: Instant) -> Values:
    """Return the losses of a version's records of a stretch, on the baseline's scale."""
    name, baseline = of
    scorer, scale = model.references.scorer(name), model.references.scorer(baseline)
    rows = outcomes.answers(name, end - microseconds(model.plan.window.every), end)
    if rows is None or scorer is None or scale is None:
        return Values()
    known = outcomes.known(rows, until)
    return realised_losses(scorer.answers, known.rows, known.targets, scale.scale)


def _meet(versus: Versus, key: tuple[Figure, str], new: Values, old: Values) -> None:
    new, old, together = paired(new, old)
    if together:
        versus.paired[key[0]] = versus.paired.get(key[0], 0) + len(new)
    _enter(versus, key, new.side, old.side)


def _enter(versus: Versus, key: tuple[Figure, str], new: Side, old: Side) -> None:
    versus.contests[key] = enter(versus.contests.get(key, Contest()), new, old)


def versus_body(found: Mapping[str, Versus]) -> Json:
    """Return comparisons as JSON, number for number."""
    return {
        name: {
            "baseline": versus.baseline,
            "since": versus.since,
            "waiting": versus.waiting,
            "paired": versus.paired,
            "contests": [[*key, asdict(contest)] for key, contest in versus.contests.items()],
        }
        for name, versus in found.items()
    }


def versus_from(body: Json) -> dict[str, Versus]:
    """Return what :func:`versus_body` wrote."""
    return {
        name: Versus(
            each["baseline"],
            each["since"],
            {(Figure(figure), label): _contest(kept) for figure, label, kept in each["contests"]},
            {Figure(figure): rows for figure, rows in each["paired"].items()},
            each["waiting"],
        )
        for name, each in body.items()
    }


def _contest(body: Json) -> Contest:
    new, old = (Side(**side) for side in body["waiting"])
    scales = tuple(Scale(**scale | {"odd": scale["odd"] and tuple(scale["odd"])}) for scale in body["scales"])
    return Contest((new, old), tuple(body["rows"]), scales)
