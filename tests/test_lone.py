"""Categories from two to a hundred thousand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.bins import CategoryBins
from monitor.lone import lone_rows
from monitor.packing import profile_bytes
from tests.judging import Draw, judge_of, listen, stamped


def shops(levels: int, power: float, moved: float = 0.0) -> Draw:
    """Return a way to draw categories by Zipf's law, of which a share moves to the commonest."""
    reached = np.cumsum(1 / np.arange(1, levels + 1) ** power)

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        drawn = np.searchsorted(reached / reached[-1], rng.random(len(times)))
        drawn = np.where(rng.random(len(times)) < moved, 0, drawn)
        return stamped(times, shop=[f"s{level}" for level in drawn])

    return draw


@pytest.mark.parametrize(("levels", "power"), [(2, 0.5), (20, 1.0), (500, 1.0), (5000, 0.8), (100_000, 0.9)])
def test_categories_of_any_number(levels: int, power: float) -> None:
    """A calm stream pages nobody, whatever was never seen before; a mix that moves by a quarter is found."""
    judge = judge_of(shops(levels, power))
    assert listen(judge, shops(levels, power), range(100), rows=200).pages == {}
    assert listen(judge, shops(levels, power, moved=0.25), range(30), rows=200).first <= 15


def test_the_reference_shows_the_share_of_unseen_categories() -> None:
    """As many of its rows are of a category that stands nowhere else as a stream will have."""
    judge = judge_of(shops(5000, 0.8))
    (entry,) = judge.watched
    times = np.arange(20_000)
    bins = judge.reference.binning.columns[0].bins
    assert isinstance(bins, CategoryBins)
    cells = bins.cells(shops(5000, 0.8)(np.random.default_rng(9), times)["shop"].to_pylist())
    assert entry.side.unseen_ratio == pytest.approx((cells == bins.unseen).mean(), rel=0.1)


def test_the_cells_of_many_categories_are_few() -> None:
    """A profile of a hundred thousand categories is no larger than that of a thousand."""
    reference = judge_of(shops(100_000, 0.9), rows=500).reference
    assert reference.binning.offsets[-1] <= 1002
    assert len(profile_bytes(reference.profile)) < 10_000


def test_a_few_lone_rows_change_no_cell() -> None:
    """Up to eight, a column is as it always was: each category has its cell."""

    def draw(rng: np.random.Generator, at: np.ndarray) -> pa.Table:
        return stamped(at, shop=[f"rare{i // 400}" if i % 400 == 0 else "a" for i in range(len(at))])

    reference = judge_of(draw, hours=50, rows=64).reference
    assert reference.binning.columns[0].bins == CategoryBins(("a", *(f"rare{i}" for i in range(8))))


def test_a_row_is_alone_if_its_category_stands_in_one_part_of_the_reference() -> None:
    """Two rows of one part do not vouch for each other; those of two parts do."""
    codes = np.zeros(64, np.intp)
    codes[[0, 1]], codes[[10, 40]], codes[63] = 1, 2, 3
    assert np.flatnonzero(lone_rows(codes, 3)).tolist() == [0, 1]
