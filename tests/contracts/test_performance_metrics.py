"""What every performance metric must hold to."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.answers import WORLDS, perfect, shuffled
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.pairs import ClassPairs, LabelPairs, Lists, NumberPairs, Pairs, RankPairs
from monitor.performance.registry import DEFAULTS, METRICS, defaults_for, metrics_for, named

CASES = [(task, name) for name, metric in METRICS.items() for task in sorted(metric.tasks)]
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "performance-metrics.md"
EMPTY: dict[str, Pairs] = {
    "binary": ClassPairs(("no", "yes"), np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)),
    "multiclass": ClassPairs(("a", "b", "c"), np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 3))),
    "regression": NumberPairs(np.empty(0), np.empty(0), np.empty(0), np.empty(0)),
    "ranking": RankPairs(*[Lists(np.empty(0, np.intp), np.empty(0, np.intp))] * 2),
    "multilabel": LabelPairs(("a", "b"), np.empty((0, 2), bool), np.empty((0, 2), bool)),
}


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[Metric, str]:
    """Give each metric with each of its tasks."""
    task, name = request.param
    return METRICS[name], task


def rng_of(*seed: int) -> np.random.Generator:
    """Return a stream of its own."""
    return np.random.default_rng(seed)


@cache
def world(task: str, seed: int, rows: int) -> Pairs:
    """Return answers of a model of a task."""
    return WORLDS[task](rng_of(seed, rows), rows)


def computed(metric: Metric, pairs: Pairs) -> Value:
    """Return what a metric says."""
    return metric.compute(pairs, rng_of(0))


def value(metric: Metric, pairs: Pairs) -> float:
    """Return a value that is there."""
    found = computed(metric, pairs).value
    assert found is not None
    return found


# --- values


@pytest.mark.parametrize("rows", [600])
def test_the_order_of_rows_does_not_matter(case: tuple[Metric, str], rows: int) -> None:
    """The same rows in another order give the same value and interval, to the last bit."""
    metric, task = case
    pairs = world(task, 1, rows)
    assert computed(metric, pairs) == computed(metric, shuffled(pairs, rng_of(2)))


def test_chance_is_not_asked(case: tuple[Metric, str]) -> None:
    """Another generator gives the same value and interval."""
    metric, task = case
    pairs = world(task, 1, 100)
    assert metric.compute(pairs, rng_of(0)) == metric.compute(pairs, rng_of(1))


@pytest.mark.parametrize("rows", [2, 3, 10, 300])
def test_a_value_lies_in_its_interval_and_its_range(case: tuple[Metric, str], rows: int) -> None:
    """However few the rows, lower <= value <= upper, within the range of the metric."""
    metric, task = case
    for seed in range(8):
        found = computed(metric, world(task, seed, rows))
        if found.value is None:
            assert found.why in metric.undefined
            continue
        low, high = (end if end is not None else found.value for end in (found.lower, found.upper))
        assert low <= found.value <= high
        assert (-math.inf if metric.lowest is None else metric.lowest) <= low
        assert high <= (math.inf if metric.highest is None else metric.highest)
        assert 0 < found.rows <= rows


def test_a_metric_with_an_interval_says_how_it_is_found(case: tuple[Metric, str]) -> None:
    """An interval that comes is described, and one that is described without a condition comes."""
    metric, task = case
    found = computed(metric, world(task, 3, 300))
    assert (found.lower is None) == (found.upper is None)
    if found.lower is not None:
        assert metric.interval
    elif metric.interval:
        assert ", where popularity is given" in metric.interval


def test_perfect_predictions_are_best(case: tuple[Metric, str]) -> None:
    """What is right in every row has the best value there can be."""
    metric, task = case
    if metric.direction is Direction.NEITHER or metric.name.startswith("catalogue"):
        return
    pairs = world(task, 4, 400)
    right, fair = value(metric, perfect(pairs)), value(metric, pairs)
    best = metric.highest if metric.direction is Direction.HIGHER else metric.lowest
    if metric.name.startswith(("gain", "lift", "precision_at", "hit_rate")):  # some lists have too few, or too many
        assert right > fair
    else:
        assert right == pytest.approx(best, abs=1e-12)


def worsened(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """Return the same targets with answers of which a third are those of another row."""
    match pairs:
        case RankPairs():
            return replace(pairs, shown=replace(pairs.shown, items=rng.permutation(pairs.shown.items)))
        case _:
            rows = np.flatnonzero(rng.random(len(pairs.targets)) < 1 / 3)
            other = rng.permutation(rows)
            changed: dict[str, Any] = {}
            for name in ("predictions", "scores"):
                column = getattr(pairs, name, None)
                if column is not None:
                    changed[name] = column.copy()
                    changed[name][rows] = column[other]
            return replace(pairs, **changed)


def test_the_direction_holds(case: tuple[Metric, str]) -> None:
    """Answers of which a third are given to the wrong rows are worse."""
    metric, task = case
    if metric.direction is Direction.NEITHER or metric.name.startswith("catalogue"):
        return
    pairs = world(task, 5, 3000)
    before, after = value(metric, pairs), value(metric, worsened(pairs, rng_of(6)))
    assert after < before if metric.direction is Direction.HIGHER else after > before


@pytest.mark.parametrize(("less", "more"), [(400, 6400)])
def test_more_rows_say_more(case: tuple[Metric, str], less: int, more: int) -> None:
    """Sixteen times the rows make the interval about four times narrower."""
    metric, task = case
    few, many = (computed(metric, world(task, 7, rows)) for rows in (less, more))
    if few.lower is None or few.upper is None or many.lower is None or many.upper is None:
        assert ", where popularity is given" in metric.interval or not metric.interval
        return
    assert 2 < (few.upper - few.lower) / (many.upper - many.lower) < 8


# --- no value


def test_no_rows_have_no_value(case: tuple[Metric, str]) -> None:
    """Without rows there is no value, and it says why."""
    metric, task = case
    assert computed(metric, EMPTY[task]) == Value(None, None, None, 0, Undefined.TOO_FEW_ROWS)


def without_answers(pairs: Pairs) -> Pairs:
    """Return the same targets without predictions, scores or bounds."""
    match pairs:
        case ClassPairs():
            return replace(pairs, predictions=None, scores=None)
        case NumberPairs():
            return replace(pairs, predictions=np.full_like(pairs.targets, np.nan), lower=None, upper=None)
        case RankPairs():
            ends = np.zeros_like(pairs.shown.ends)
            return replace(pairs, shown=Lists(np.empty(0, np.intp), ends))
        case LabelPairs():
            return replace(pairs, targets=pairs.targets[:0], predictions=pairs.predictions[:0])


def test_rows_without_answers_have_no_value(case: tuple[Metric, str]) -> None:
    """Targets without predictions and scores have no value, for a reason that the metric announced."""
    metric, task = case
    found = computed(metric, without_answers(world(task, 8, 50)))
    assert (found.value, found.lower, found.upper, found.rows) == (None, None, None, 0)
    assert found.why in metric.undefined | {Undefined.TOO_FEW_ROWS}


@pytest.mark.parametrize("place", [0, 1])
def test_one_class_alone_gives_no_half(case: tuple[Metric, str], place: int) -> None:
    """Where a window has one class, a value is that of its rows, or none with a reason: never NaN or chance."""
    metric, task = case
    if task not in {"binary", "multiclass"}:
        return
    pairs = world(task, 9, 300)
    assert isinstance(pairs, ClassPairs)
    one = pairs.targets == place
    assert pairs.predictions is not None
    assert pairs.scores is not None
    chosen = ClassPairs(pairs.classes, pairs.targets[one], pairs.predictions[one], pairs.scores[one])
    found = computed(metric, chosen)
    if found.value is None:
        assert found.why in metric.undefined
    else:
        assert math.isfinite(found.value)
    if metric.name in {"roc_auc", "pr_auc", "mcc", "balanced_accuracy"}:
        assert found.why is Undefined.ONE_CLASS


# --- the registry


def test_a_metric_is_documented(case: tuple[Metric, str]) -> None:
    """A metric has a line on the page of metrics, which says what it is, its direction, its interval and its source."""
    metric, _ = case
    page = PAGE.read_text("utf-8").partition("<!-- end of generated -->")[0]
    rows = [line for line in page.splitlines() if line.startswith(f"| `{metric.name}`")]
    assert len(rows) == len(metric.tasks)
    assert metric.about.endswith(".")
    assert metric.source
    for told in (metric.about, f"| {metric.direction} |", metric.interval or "none", f"| {metric.source} |"):
        assert all(told in row for row in rows)


def test_a_metric_is_found_by_its_name() -> None:
    """A name leads to its metric, also with a number of its own."""
    assert all(named(name) is metric for name, metric in METRICS.items())
    for name in ("ndcg_at_5", "lift_at_0.2", "quantile_loss_at_0.9", "catalogue_coverage_at_3"):
        found = named(name)
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize(
    "name", ["auc", "ndcg_at_0", "ndcg_at_2.5", "lift_at_2", "lift_at_0", "f1_at_3", "quantile_loss_at_1"]
)
def test_another_name_leads_nowhere(name: str) -> None:
    """A name of no metric, or with a number that it cannot have, is none."""
    assert named(name) is None


def test_what_a_model_does_not_log_is_not_asked() -> None:
    """A model that logs scores alone has the metrics that need no prediction, and the other way round."""
    scores = metrics_for("binary", has_prediction=False, has_score=True)
    assert {"roc_auc", "brier"} <= scores.keys()
    assert not {"accuracy", "f1"} & scores.keys()
    assert not {"roc_auc"} & defaults_for("binary", has_prediction=True, has_score=False).keys()


@pytest.mark.parametrize("task", sorted(DEFAULTS))
def test_a_default_is_a_metric_of_its_task(task: str) -> None:
    """What is computed by default is there for the task."""
    assert list(defaults_for(task, has_prediction=True, has_score=True)) == list(DEFAULTS[task])
