"""A sample of ids, and what it tells of repeated ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.packing import profile_bytes, profile_from_bytes
from monitor.profile import Binning, profile_rows
from monitor.repeats import IDS, MOST, Repeats, repeats_of, with_ids

HASHES = st.lists(st.integers(0, 2 * MOST).map(lambda number: number * 2**53), max_size=4 * MOST)


def same(one: Repeats, other: Repeats) -> bool:
    """Say whether two samples are the same."""
    return bool(np.array_equal(one.hashes, other.hashes) and np.array_equal(one.rows, other.rows))


@settings(max_examples=30)
@given(HASHES, st.integers(0, 4 * MOST))
def test_samples_add_up_in_any_order_and_cut(hashes: list[int], cut: int) -> None:
    """The sum of the samples of two parts is the sample of the whole, whichever comes first."""
    whole, parts = np.array(hashes, np.uint64), (hashes[:cut], hashes[cut:])
    one, other = (repeats_of(np.array(part, np.uint64)) for part in parts)
    assert same(one + other, repeats_of(whole))
    assert same(other + one, repeats_of(whole))


def test_of_few_ids_all_repeats_are_known() -> None:
    """Under the number of ids that are kept, each record that is not the first of its id is counted."""
    assert repeats_of(np.array([5, 9, 5, 5, 1], np.uint64)).seen == (2, 5)


@pytest.mark.parametrize("ratio", [0.0, 0.02, 0.1])
def test_of_many_ids_a_sample_tells_the_share(ratio: float) -> None:
    """Of 100,000 records the sample tells the share of repeated ones to three standard errors."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2**63, int(100_000 * (1 - ratio)), dtype=np.uint64)
    again = rng.choice(first, 100_000 - len(first), replace=False)
    bad, of = repeats_of(np.concatenate((first, again))).seen
    assert of >= MOST
    assert abs(bad / of - ratio) <= 3 * np.sqrt(ratio * (1 - ratio) / of)


def test_samples_come_back_from_the_store() -> None:
    """A packed profile has its sample of ids."""
    table = pa.table({IDS: pa.array([3, None, 3, 8], pa.uint64())})
    profile = profile_rows(table, Binning(()), np.zeros(4, np.intp), 1)[0]
    back = profile_from_bytes(profile_bytes(profile))
    assert profile.ids.seen == (1, 3)
    assert same(back.ids, profile.ids)


def test_a_reference_has_its_own_repeats() -> None:
    """Ids of a reference that stand twice are told; rows without one are not looked at."""
    rows = pa.table({"x": pa.array([1.0] * 4)})
    table = with_ids(rows, pa.chunked_array([["a", None, "a", "b"]]))
    profile = profile_rows(table, Binning(()), np.zeros(4, np.intp), 1)[0]
    assert profile.ids.seen == (1, 3)
