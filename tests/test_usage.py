"""Errors and resources of records."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.usage import (
    RESOURCE_BINS,
    Usage,
    amount_deviation,
    amount_figures,
    amount_rows,
    amount_sum,
    usage_bytes,
    usage_from_bytes,
    usage_rows,
    without_usage,
)

AMOUNTS = st.floats(0, 1e15) | st.none() | st.sampled_from([math.nan, math.inf, -1.0])
ROWS = st.lists(st.tuples(AMOUNTS, st.sampled_from([None, "timeout"]), st.integers(0, 9)), max_size=30)


def table_of(rows: list[tuple[float | None, str | None, int]]) -> pa.Table:
    """Return rows as the canonical table."""
    tokens, error, at = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"resource:tokens": pa.array(tokens, pa.float64()), "error": pa.array(error, pa.string())}
    return pa.table({"timestamp": pa.array(at, pa.int64())} | columns)


def used(rows: list[tuple[float | None, str | None, int]]) -> Usage:
    """Return the usage of rows as one pane."""
    return usage_rows(table_of(rows), np.zeros(len(rows), np.intp), 1)[0]


def same(a: Usage, b: Usage) -> bool:
    """Say whether two usages hold the same counts."""
    return (a.errors, a.newest) == (b.errors, b.newest) and all(
        np.array_equal(a.resources[name], b.resources[name]) for name in {*a.resources, *b.resources}
    )


@given(ROWS, ROWS)
def test_usage_adds_up_exactly(
    first: list[tuple[float | None, str | None, int]], second: list[tuple[float | None, str | None, int]]
) -> None:
    """The sum of two panes is the usage of all their rows, in either order."""
    both = used(first + second)
    assert same(used(first) + used(second), both)
    assert same(used(second) + used(first), both)


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=30))
def test_a_sum_is_exact_to_a_quarter_of_a_billionth_a_row(values: list[float]) -> None:
    """The sum is that of the fractions, whatever their sizes."""
    counted = used([(value, None, 0) for value in values]).resources["tokens"]
    exact = sum(map(Fraction, values))
    assert abs(Fraction(amount_sum(counted)) - exact) <= Fraction(len(values), 2**33) + exact / 2**53


def test_quantiles_are_those_of_numpy() -> None:
    """On many values they are numpy's, to 2 %."""
    values = np.random.default_rng(0).lognormal(3, 2, 20_000)
    figures = amount_figures(used([(float(value), None, 0) for value in values]).resources["tokens"])
    expected = np.quantile(values, [0.5, 0.95, 0.99], method="inverted_cdf")
    assert [figures[name] for name in ("p50", "p95", "p99")] == pytest.approx(expected.tolist(), rel=0.02)


def test_the_deviation_is_numpy_s() -> None:
    """Read from the bins, the standard deviation is numpy's to a few percent."""
    values = np.random.default_rng(1).gamma(2, 50, 20_000)
    counted = used([(float(value), None, 0) for value in values]).resources["tokens"]
    assert amount_deviation(counted) == pytest.approx(float(values.std(ddof=1)), rel=0.02)


def test_what_is_no_amount_is_not_counted() -> None:
    """Missing, negative and infinite amounts have no part in sum, mean or quantiles; nought has."""
    counted = used([(v, None, 0) for v in (None, -1.0, math.nan, math.inf, 0.0)]).resources["tokens"]
    assert (amount_rows(counted), amount_sum(counted)) == (1, 0.0)


def test_a_resource_without_an_amount_is_unknown() -> None:
    """Unknown is not nought."""
    assert set(amount_figures(np.zeros(3 + RESOURCE_BINS.size, np.int64)).values()) == {0, None}


@given(ROWS)
def test_usage_comes_back_from_the_store(rows: list[tuple[float | None, str | None, int]]) -> None:
    """What was packed is unpacked exactly; an older pane, which has none, is of no usage."""
    assert same(usage_from_bytes(usage_bytes(used(rows))), used(rows))
    assert same(usage_from_bytes(b""), Usage())


def test_rows_are_kept_without_errors_and_resources() -> None:
    """They are no features, and no part of what is retrained with."""
    assert without_usage(table_of([(1.0, None, 0)])).column_names == ["timestamp"]
