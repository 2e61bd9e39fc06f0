"""How long the model took."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.latency import BINS, latency_bins, latency_quantiles


def counted(seconds: np.ndarray) -> np.ndarray:
    """Return the histogram of latencies."""
    return np.bincount(latency_bins(seconds), minlength=BINS)


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(1e-6, 1.8e4)))
def test_quantiles_are_within_a_hundredth(seconds: np.ndarray) -> None:
    """A quantile is at most 1 % from the value that stands at its rank in the log."""
    found = latency_quantiles(counted(seconds))
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact = np.sort(seconds)[int(np.ceil(share * len(seconds))) - 1]
        assert found[name] == pytest.approx(exact, rel=0.01)


def test_quantiles_are_those_of_numpy() -> None:
    """On many values they are numpy's, to 1 %."""
    seconds = np.random.default_rng(0).lognormal(-4, 1, 50_000)
    found = latency_quantiles(counted(seconds))
    expected = np.quantile(seconds, [0.5, 0.95, 0.99], method="inverted_cdf")
    assert list(found.values()) == pytest.approx(expected.tolist(), rel=0.01)


def test_odd_latencies_are_counted_at_the_ends() -> None:
    """What is no positive number lands in the first bin, and what takes for ever in the last."""
    odd = latency_bins(np.array([0.0, -1.0, np.nan, -np.inf, 1e-9, np.inf, 1e9]))
    assert odd.tolist() == [0, 0, 0, 0, 0, BINS - 1, BINS - 1]


def test_no_rows_have_no_latency() -> None:
    """Unknown is not 0."""
    assert latency_quantiles(np.zeros(BINS, np.int64)) == {"p50": None, "p95": None, "p99": None}
