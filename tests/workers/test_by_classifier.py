"""A classifier that tells two tables apart: what it finds that no column shows, and how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitor.frame import Taken, compare_tables
from monitor.frame.by_classifier import METHOD, NAME, ToldApart
from monitor.workers.classifier import FOLDS, encoded, folds_of

Json = dict[str, Any]


def _table(seed: int, tie: float, rows: int = 500) -> pa.Table:
    """Return two normal columns with a correlation, a third by itself, and a category that says nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pa.table(
        {
            "x": x,
            "y": tie * x + np.sqrt(1 - tie**2) * rng.normal(size=rows),
            "z": rng.normal(size=rows),
            "level": rng.choice(["a", "b", "c"], rows).tolist(),
        }
    )


@pytest.fixture(scope="module")
def torn() -> Json:
    """A comparison of tables whose columns are each as they were, two of them no longer tied."""
    return compare_tables(_table(1, 0.9), _table(2, 0.0), Taken(classifier=True))


def _column(body: Json) -> Json:
    return next(column for column in body["columns"] if column["name"] == NAME)


def test_a_lost_tie_is_found(torn: Json) -> None:
    """Two columns that come loose are drift to the classifier, and to no column by itself."""
    drifted = [column["name"] for column in torn["columns"] if column["verdict"] == "drifted"]
    assert (torn["verdict"], drifted) == ("drifted", [NAME])
    assert _column(torn)["distance"] >= _column(torn)["threshold"]


def test_what_carries_the_skill_is_named(torn: Json) -> None:
    """The columns that came loose are the first two of those that carry it."""
    assert {each["column"] for each in torn["classifier"]["carried_by"][:2]} == {"x", "y"}


@pytest.mark.long
def test_tables_alike_are_not_told_apart() -> None:
    """Rows of one distribution are stable."""
    column = _column(compare_tables(_table(1, 0.9), _table(3, 0.9), Taken(classifier=True)))
    assert (column["verdict"], column["method"]) == ("stable", METHOD)


@pytest.mark.long
def test_an_answer_is_the_same_at_every_call(torn: Json) -> None:
    """Nothing of the classifier is left to chance: folds, trees and shuffles come out bit for bit."""
    again = compare_tables(_table(1, 0.9), _table(2, 0.0), Taken(classifier=True))
    assert {**again, "elapsed_seconds": 0} == {**torn, "elapsed_seconds": 0}


def test_few_rows_tell_nothing() -> None:
    """With fewer than 100 rows on a side there is no verdict, and no child."""
    column = _column(compare_tables(_table(1, 0.9), _table(2, 0.9, rows=99), Taken(classifier=True)))
    assert (column["verdict"], column["why"]) == ("insufficient_data", "too_few_rows")


def test_the_p_value_is_that_of_the_middle_of_five() -> None:
    """With folds of 100 and 100 rows a skill of 0.2 has twice Mann-Whitney's normal tail at an AUC of 0.6."""
    apart = ToldApart(0.2, None, 0.0, (500, 500))
    assert apart.p_value == pytest.approx(2 * stats.norm.sf(0.1, scale=np.sqrt(201 / 120_000)))
    assert apart.critical(apart.p_value) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("usual", "tolerance", "threshold"),
    [(0.5, 0.02, 0.5), (0.0, 5.0, 0.99959), (0.0, 0.0, 0.21082)],
)
def test_the_threshold_is_the_highest_of_three(usual: float, tolerance: float, threshold: float) -> None:
    """Drift is sure, is more than the reference's own stretches show, and is more than the tolerance."""
    assert ToldApart(0.1, None, usual, (500, 500)).threshold(0.01, tolerance) == pytest.approx(threshold, rel=1e-4)


def test_each_side_is_dealt_out_evenly() -> None:
    """Every fold has a fifth of each side."""
    new = np.repeat([False, True], [500, 100])
    assert [(np.sum(folds_of(new)[~new] == k), np.sum(folds_of(new)[new] == k)) for k in range(FOLDS)] == [
        (100, 20)
    ] * 5


def test_categories_are_ranked_by_frequency() -> None:
    """A level is its rank in both tables, a missing value is no level, and the order of rows does not matter."""
    old, new = pa.table({"c": ["b", None, "b"]}), pa.table({"c": ["a", "b", "c"]})
    values, categorical = encoded(old, new)
    assert categorical == [True]
    assert np.array_equal(values[:, 0], [0, np.nan, 0, 1, 0, 2], equal_nan=True)
