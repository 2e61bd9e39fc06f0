"""Vectors of numbers: projections, length, direction."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.derive.directions import leading, signs
from monitor.derive.vector import common_length
from monitor.judge import Judge
from tests.judging import cut_alike, judge_of, listen, stamped

LENGTH = 48
_rng = np.random.default_rng(0)
MIXING, MEAN = _rng.normal(size=(LENGTH, LENGTH)) / 7, _rng.normal(size=LENGTH) / 2
AWAY = _rng.normal(size=LENGTH)


def vectors(rng: np.random.Generator, times: np.ndarray, shift: float = 0.0, factor: float = 1.0) -> pa.Table:
    """Return heavy-tailed vectors with a few strong directions, as single floats, as models give them."""
    drawn = rng.standard_t(6, (len(times), LENGTH)) @ MIXING + MEAN
    drawn = (drawn * factor + shift * AWAY / np.linalg.norm(AWAY)).astype(np.float32)
    return stamped(times, emb=pa.FixedSizeListArray.from_arrays(pa.array(drawn.ravel()), LENGTH))


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a reference of vectors."""
    return judge_of(vectors)


def test_facets_of_a_vector(judge: Judge) -> None:
    """Its length, its direction, and projections; the vector itself has no cells."""
    facets = ["norm", "cosine", *(f"{kind}{i}" for kind in ("principal", "random") for i in range(1, 5))]
    assert [entry.column.name for entry in judge.watched] == [f"emb.{name}" for name in facets]


def test_rows_that_were_learnt_from_are_not_missing(judge: Judge) -> None:
    """A third of the reference's rows has no cell in the learnt facets, and none of its rows is without a value."""
    by_name = {entry.column.name: entry for entry in judge.watched}
    learnt, blind = by_name["emb.principal1"], by_name["emb.random1"]
    assert learnt.whole.counts.sum() == judge.reference.rows - 4096
    assert blind.whole.counts.sum() == judge.reference.rows
    assert learnt.side.missing_ratio == blind.side.missing_ratio == 0


def test_a_calm_stream_of_vectors_pages_nobody(judge: Judge) -> None:
    """Not for one of the projections that were learnt from the reference."""
    heard = listen(judge, vectors, range(200))
    assert heard.pages == {}
    assert heard.highest < 100


def test_a_shift_of_every_entry_is_found(judge: Judge) -> None:
    """A shift in a direction that nobody chose shows in the blind projections."""
    assert listen(judge, lambda rng, times: vectors(rng, times, shift=3), range(20)).first <= 5


def test_longer_vectors_are_found(judge: Judge) -> None:
    """A model whose embeddings grew by a tenth shows in their length."""
    heard = listen(judge, lambda rng, times: vectors(rng, times, factor=1.1), range(20))
    assert heard.first <= 3
    assert "emb.norm" in heard.pages[min(heard.pages)]


def test_vectors_do_not_depend_on_their_neighbours(judge: Judge) -> None:
    """However rows are cut, facets are the same bit for bit."""
    rng = np.random.default_rng(5)
    assert cut_alike(judge, vectors(rng, np.arange(150)))


def test_what_is_no_such_vector_is_missing_in_its_facets(judge: Judge) -> None:
    """Null, a wrong length, an entry that is null or not finite."""
    good = [0.5] * LENGTH
    rows = [good, None, good[1:], [*good, 1.0], [None, *good[1:]], [float("nan"), *good[1:]], [-np.inf, *good[1:]]]
    wide = judge.reference.widened(stamped(np.arange(len(rows)), emb=pa.array(rows, pa.list_(pa.float64()))))
    for entry in judge.watched:
        assert wide[entry.column.key].is_null().to_pylist() == [False, *[True] * 6]


def test_projections_are_what_numpy_makes_of_the_directions(judge: Judge) -> None:
    """Whole numbers cost no more than a hundred-thousandth."""
    table = vectors(np.random.default_rng(8), np.arange(50))
    matrix = np.array(table["emb"].to_pylist(), np.float64)
    wide = judge.reference.widened(table)
    blind = matrix @ signs(LENGTH, 4)
    for place in range(4):
        assert wide[f"emb.random{place + 1}"].to_numpy() == pytest.approx(blind[:, place], abs=1e-4)
    assert wide["emb.norm"].to_numpy() == pytest.approx(np.linalg.norm(matrix, axis=1), rel=1e-5)


def test_leading_directions_are_those_of_a_singular_value_decomposition() -> None:
    """Where three directions vary most, they span what numpy's span."""
    rng = np.random.default_rng(4)
    scale = np.ones(20)
    scale[:3] = 9, 6, 4
    turned = rng.normal(size=(3000, 20)) * scale @ np.linalg.qr(rng.normal(size=(20, 20)))[0]
    whole = np.rint(turned * 2**12)
    found = leading(whole - np.rint(whole.mean(axis=0)), 3, 21) / 2**21
    known = np.linalg.svd(turned - turned.mean(axis=0), full_matrices=False)[2][:3]
    assert np.abs((found * known.T).sum(axis=0)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("rows", "length"),
    [
        (pa.array([[1.0, 2.0], [3.0, 4.0], None]), 2),
        (pa.array([[1, 2]] * 200 + [[1]]), 2),
        (pa.array([[1, 2]] * 50 + [[1]]), None),
        (pa.array([["a"]]), None),
        (pa.array([[]], pa.list_(pa.float64())), None),
        (pa.array([b"12"]), None),
        (pa.array([None], pa.list_(pa.float64())), None),
    ],
)
def test_vectors_have_one_length(rows: pa.Array, length: int | None) -> None:
    """Lists of other things, or of any length, are not projected."""
    assert common_length(rows) == length


@pytest.mark.parametrize(
    "values", [[[1e300, -1e300], [5e-324, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0]], [[7.0]] * 3]
)
def test_odd_vectors_compile(values: list[list[float]]) -> None:
    """Huge, vanishing, all alike, one only: no fault, and no facet that is not finite."""
    judge = judge_of(
        lambda _, times: stamped(times, emb=[values[i % len(values)] for i in range(len(times))]), hours=60
    )
    wide = judge.reference.widened(stamped(np.arange(len(values)), emb=values))
    found = [wide[entry.column.key].drop_null().to_numpy() for entry in judge.watched]
    assert all(np.isfinite(each).all() for each in found)


def test_facets_can_be_left_out() -> None:
    """A column's own setting holds against that of all."""
    drift = DriftSettings(columns={"emb": ColumnDriftSettings(facets=False)})
    judge = judge_of(lambda rng, times: vectors(rng, times).append_column("x", pa.array(times % 7.0)), drift, hours=60)
    assert [entry.column.name for entry in judge.watched] == ["x"]
