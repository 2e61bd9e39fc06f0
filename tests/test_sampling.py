"""Which records are profiled, and which rows are kept."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from monitor.sampling import SamplingSettings, id_hashes, lowest, sampled

HASHES = arrays(np.uint64, st.integers(0, 50), elements=st.integers(0, 30) | st.integers(0, 2**64 - 1))


@given(st.lists(st.text()))
def test_the_hash_is_blake2b(ids: list[str]) -> None:
    """The hash is known from elsewhere, so that another program can make the same choice."""
    expected = [
        int.from_bytes(blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") for i in ids
    ]
    assert id_hashes(ids).tolist() == expected


@given(HASHES, st.floats(0.001, 1.0))
def test_a_record_is_chosen_by_its_hash_alone(hashes: np.ndarray, rate: float) -> None:
    """Whichever records come with it, a record is chosen or not."""
    chosen = sampled(hashes, rate)
    assert chosen.tolist() == [bool(sampled(hashes[i : i + 1], rate)[0]) for i in range(len(hashes))]


def test_the_share_chosen_is_the_rate() -> None:
    """Of 20,000 ids a tenth is chosen, give or take five standard errors."""
    share = sampled(id_hashes(str(i) for i in range(20_000)), 0.1).mean()
    assert abs(share - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 20_000)


@pytest.mark.parametrize("rate", [1.0, 1 - 2**-53])
def test_all_are_chosen_at_rate_one(rate: float) -> None:
    """A rate of 1 leaves nobody out; the next lower one leaves out the highest hash."""
    top = np.array([2**64 - 1], np.uint64)
    assert sampled(top, rate).tolist() == [rate == 1.0]


@given(HASHES, st.integers(0, 20))
def test_the_smallest_hashes_are_kept_in_order(hashes: np.ndarray, count: int) -> None:
    """Those kept have the smallest hashes and stay in the order of the log."""
    kept = lowest(hashes, count)
    assert sorted(kept.tolist()) == kept.tolist()
    assert sorted(hashes[kept].tolist()) == sorted(hashes.tolist())[:count]


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_is_a_share(rate: float) -> None:
    """No rate of 0 and none over 1 is taken."""
    with pytest.raises(ValidationError):
        SamplingSettings(rate=rate)
