"""The metrics of recommendations against their definitions, item by item, and scikit-learn's."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
from sklearn import metrics as oracle

from benchmarks.answers import lists
from monitor.performance.catalogue_coverage_at import catalogue_coverage_at
from monitor.performance.metric import Undefined
from monitor.performance.novelty_at import novelty_at
from monitor.performance.pairs import Lists, RankPairs
from monitor.performance.popularity_bias_at import popularity_bias_at
from monitor.performance.registry import named

EXACT = 1e-12


def split(given: Lists) -> list[list[int]]:
    """Return the lists one by one."""
    return [part.tolist() for part in np.split(given.items, given.ends[:-1])]


def of(shown: list[list[int]], relevant: list[list[int]]) -> RankPairs:
    """Return recommendations."""
    sides = [
        Lists(np.array(list(chain.from_iterable(side)), np.intp), np.cumsum([len(one) for one in side]).astype(np.intp))
        for side in (shown, relevant)
    ]
    return RankPairs(*sides)


def expected(name: str, shown: list[int], relevant: set[int], k: int) -> float:
    """Return a metric of one list by its definition; NaN where the list does not enter."""
    hits = [rank for rank, item in enumerate(shown[:k], 1) if item in relevant and item not in shown[: rank - 1]]
    most = min(k, len(relevant))
    best = sum(1 / math.log2(1 + rank) for rank in range(1, most + 1))
    of_all = {"precision": len(hits) / k, "hit_rate": float(bool(hits))}
    of_some = {
        "recall": lambda: len(hits) / len(relevant),
        "mrr": lambda: 1 / hits[0] if hits else 0.0,
        "map": lambda: sum(number / rank for number, rank in enumerate(hits, 1)) / most,
        "ndcg": lambda: sum(1 / math.log2(1 + rank) for rank in hits) / best,
    }
    return of_all[name] if name in of_all else of_some[name]() if relevant else math.nan


def computed(name: str, pairs: RankPairs) -> float | None:
    """Return a metric's value."""
    metric = named(name)
    assert metric is not None
    return metric.compute(pairs, np.random.default_rng(0)).value


@pytest.mark.parametrize("k", [1, 3, 10, 50])
@pytest.mark.parametrize("name", ["precision", "recall", "hit_rate", "ndcg", "map", "mrr"])
def test_a_metric_is_its_definition(name: str, k: int) -> None:
    """The value is the mean of the definition over lists, those that have relevant items where it needs some."""
    pairs = lists(np.random.default_rng(k), 200)
    each = [expected(name, a, set(b), k) for a, b in zip(split(pairs.shown), split(pairs.relevant), strict=True)]
    assert computed(f"{name}_at_{k}", pairs) == pytest.approx(np.nanmean(each), abs=EXACT)


@pytest.mark.parametrize("k", [3, 10])
def test_ndcg_is_scikit_learns(k: int) -> None:
    """Lists that rank every item have the NDCG of scikit-learn."""
    rng = np.random.default_rng(3)
    scores, truth = rng.permuted(np.tile(np.arange(20.0), (30, 1)), axis=1), rng.random((30, 20)) < 0.2
    truth[:, 0] = True
    pairs = of(np.argsort(-scores, axis=1).tolist(), [np.flatnonzero(row).tolist() for row in truth])
    assert computed(f"ndcg_at_{k}", pairs) == pytest.approx(oracle.ndcg_score(truth, scores, k=k), abs=EXACT)


def test_an_item_hits_once() -> None:
    """An item that is shown again in a list is no second hit, and one that is relevant twice is one."""
    pairs = of([[1, 1, 2], [3, 4, 5]], [[1, 1], [5]])
    assert computed("precision_at_3", pairs) == pytest.approx(1 / 3)
    assert computed("recall_at_3", pairs) == 1


@pytest.mark.parametrize("name", ["recall_at_3", "ndcg_at_3", "map_at_3", "mrr_at_3", "popularity_bias_at_3"])
def test_nothing_relevant_is_no_failure(name: str) -> None:
    """Where no list has a relevant item there is nothing to find, and no value."""
    metric = named(name)
    assert metric is not None
    assert metric.compute(of([[1], [2]], [[], []]), np.random.default_rng(0)).why is Undefined.NOTHING_RELEVANT


def test_coverage_is_of_the_catalogue() -> None:
    """Three items of ten are shown in the first two places."""
    metric = catalogue_coverage_at(2, catalogue=10)
    assert metric.compute(of([[1, 2, 7], [2, 3]], [[9], []]), np.random.default_rng(0)).value == 0.3
    assert computed("catalogue_coverage_at_2", of([[1, 2, 7], [2, 3]], [[9], []])) == 3 / 5


def test_popularity_bias_is_the_lift_of_popularity() -> None:
    """Items shown with a mean popularity of 0.3 for relevant ones of 0.2 are half as popular again."""
    popularity = np.array([0.1, 0.3, 0.2])
    found = popularity_bias_at(2, popularity).compute(of([[1], [1, 1]], [[2], [0, 1]]), np.random.default_rng(0))
    assert found.value == pytest.approx(0.5)


def test_novelty_is_the_surprise_of_what_is_shown() -> None:
    """Items of popularity 1/2 and 1/8 are two bits of surprise on average; an unknown one is as the least popular."""
    metric = novelty_at(5, np.array([0.5, 0.125]))
    assert metric.compute(of([[0, 1], [0, 9]], [[], []]), np.random.default_rng(0)).value == pytest.approx(2.0)


def test_diversity_is_the_mean_over_all_pairs_of_lists() -> None:
    """One less the items that two lists share, of k, averaged over every pair."""
    shown = split(lists(np.random.default_rng(4), 40).shown)
    pairs = [1 - len(set(a[:5]) & set(b[:5])) / 5 for i, a in enumerate(shown) for b in shown[:i]]
    assert computed("diversity_at_5", of(shown, [[] for _ in shown])) == pytest.approx(np.mean(pairs), abs=EXACT)
