"""Which records are profiled, and which rows are kept."""

from __future__ import annotations

from functools import reduce
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from monitor.sampling import SamplingSettings, id_hashes, lowest, sampled

HASHES = arrays(np.uint64, st.integers(0, 50), elements=st.integers(0, 30) | st.integers(0, 2**64 - 1))


_MASK = 2**64 - 1


def mixed_number(number: int) -> int:
    """Mix one number as SplitMix64 does, in whole numbers."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def known_hash(text: str) -> int:
    """Hash one id by the rule that is written down."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > 64:
        return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
    words = (data[place : place + 8] for place in range(0, max(len(data), 1), 8))
    return reduce(
        lambda made, word: mixed_number(made ^ int.from_bytes(word, "little")), words, mixed_number(len(data))
    )


@given(st.lists(st.text(max_size=30) | st.text(min_size=15, max_size=80)))
def test_the_hash_is_known_from_elsewhere(ids: list[str]) -> None:
    """Another program that hashes by the rule that is written down makes the same choice, whichever ids come along."""
    assert id_hashes(ids).tolist() == [known_hash(text) for text in ids]


def test_the_generator_that_mixes_is_splitmix64() -> None:
    """The first numbers of SplitMix64 seeded with 1234567, as its authors' code gives them."""
    numbers = [mixed_number(1234567 + place * 0x9E3779B97F4A7C15 & _MASK) for place in range(3)]
    assert numbers == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_a_column_hashes_as_its_texts_do() -> None:
    """A slice of an Arrow column, in chunks and with nulls, gives what its texts give; null is the empty text."""
    texts = [f"{number:x}" * (number % 40) for number in range(100)]
    column = pa.chunked_array([pa.array([*texts[:50], None]), pa.array(texts[50:])]).slice(7)
    assert id_hashes(column).tolist() == id_hashes([*texts[7:50], "", *texts[50:]]).tolist()


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
