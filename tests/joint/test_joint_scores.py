"""Scores of records from several columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.stats import norm, spearmanr
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel

from monitor.bins import Floats, numeric_bins
from monitor.joint.blends import products, signed_halves
from monitor.joint.components import errors, residual_directions
from monitor.joint.exact import cross_products, projected
from monitor.joint.fourier import features, frequencies
from monitor.joint.pairs import chosen_pairs
from monitor.joint.scores import QUANTA, level_table, rank_table
from monitor.joint.settings import JointSettings
from monitor.joint.transform import Joint, compile_joint
from monitor.profile import ColumnBins
from monitor.record import Column, Kind, Role

ROWS = 6000
ON = JointSettings(columns=24)


def numeric(name: str, values: Floats) -> ColumnBins:
    """Return a numeric column with its bins."""
    return ColumnBins(Column(name, name, Role.FEATURE, Kind.NUMERIC), numeric_bins(values[np.isfinite(values)]))


def correlated(rows: int = ROWS, rho: float = 0.8, seed: int = 7) -> dict[str, Floats]:
    """Return a and b, which correlate, skewed c, and d, which goes with c."""
    rng = np.random.default_rng(seed)
    a, b, c, d = rng.normal(size=(4, rows))
    c = np.exp(c)
    return {"a": a, "b": rho * a + np.sqrt(1 - rho**2) * b, "c": c, "d": 0.3 * np.log(c) + d}


def compiled(data: dict[str, Floats], settings: JointSettings | None = None) -> Joint:
    """Return the joint scores of numeric columns."""
    columns = [numeric(name, values) for name, values in data.items()]
    joint = compile_joint(pa.table(data), columns, settings or ON)
    assert joint is not None
    return joint


def scored(joint: Joint, data: dict[str, Floats]) -> dict[str, Floats]:
    """Return the joint scores of records by name."""
    arrays = joint.columns(pa.table(data))
    return {name: array.to_numpy(zero_copy_only=False) for name, array in zip(joint.names, arrays, strict=True)}


def test_a_rank_scores_by_its_normal_quantile() -> None:
    """Cells of equal rows score by the normal quantiles of their middles, standardised, as scipy gives them."""
    quantiles = norm.ppf((np.arange(200) + 0.5) / 200)
    table = rank_table(np.full(200, 5))
    assert table is not None
    assert table / QUANTA == pytest.approx(quantiles / quantiles.std(), abs=1 / QUANTA)


def test_one_value_has_no_rank() -> None:
    """A column of one value takes no part."""
    assert rank_table(np.array([0, 40, 0])) is None


def test_the_mean_product_of_a_pair_is_its_rank_correlation() -> None:
    """The mean of a pair's products is the correlation of normal scores, which for normal data Spearman's foretells."""
    data = correlated()
    mean = scored(compiled(data), data)["a~b"].mean()
    assert mean == pytest.approx(2 * np.sin(np.pi / 6 * spearmanr(data["a"], data["b"]).statistic), abs=0.01)


def test_the_first_pairs_are_the_strongest_tree() -> None:
    """The first d - 1 pairs are the maximum spanning tree of the correlations, as scipy finds it."""
    noise = np.random.default_rng(3).normal(size=(9, 12))
    correlation = np.asarray(np.corrcoef(noise))
    tree = minimum_spanning_tree(1.5 - np.abs(correlation)).nonzero()
    expected = {(min(pair), max(pair)) for pair in zip(*(axis.tolist() for axis in tree), strict=True)}
    assert set(chosen_pairs(correlation, 8)) == expected


def test_pairs_end_at_their_number() -> None:
    """No more pairs are watched than asked for, nor than there are."""
    assert (len(chosen_pairs(np.eye(5), 7)), len(chosen_pairs(np.eye(3), 7))) == (7, 3)


def test_the_error_is_that_of_reconstruction() -> None:
    """A record's error is its squared distance from what scikit-learn's PCA rebuilds of it, over the axes left out."""
    rng = np.random.default_rng(5)
    scores = np.rint(rng.normal(size=(2000, 3)) @ rng.normal(size=(3, 6)) * 300 + rng.normal(size=(2000, 6)) * 300)
    scores -= np.rint(scores.mean(axis=0))
    directions = residual_directions(scores.T @ scores / len(scores))
    pca = PCA(n_components=6 - directions.shape[1]).fit(scores)
    rebuilt = pca.inverse_transform(pca.transform(scores))
    expected = ((scores - rebuilt) ** 2).sum(axis=1) / QUANTA**2 / directions.shape[1]
    assert errors(scores @ directions) == pytest.approx(expected, rel=0.05, abs=0.005)


def test_waves_are_the_kernel() -> None:
    """The mean product of many waves of two records approaches half their Gaussian kernel, as scikit-learn has it."""
    scores = np.rint(np.random.default_rng(5).normal(size=(60, 3)) * QUANTA)
    directions, phases = frequencies(scores, 20_000)
    waves = features(scores @ directions + phases)
    squares = ((scores[:, None] - scores[None]) ** 2).sum(axis=2)
    gamma = 1 / (2 * np.median(squares[np.triu_indices(60, 1)]))
    assert 2 * waves @ waves.T / waves.shape[1] == pytest.approx(rbf_kernel(scores, gamma=gamma), abs=0.04)


def test_a_blend_moves_with_a_dependence_across_its_halves() -> None:
    """The mean of a blend is the signed sum of correlations across its halves."""
    data = np.random.default_rng(1).normal(size=(5000, 6))
    halves = signed_halves(6, 2)
    expected = [halves[:, 2 * k] @ (data.T @ data / 5000) @ halves[:, 2 * k + 1] for k in range(2)]
    assert products(data @ halves).mean(axis=0) == pytest.approx(expected)


def test_a_level_scores_by_what_goes_with_it() -> None:
    """A level's score is the standardised mean of the column that levels tell most of."""
    rng = np.random.default_rng(2)
    cells = rng.integers(0, 3, 9000)
    others = np.stack([rng.normal(size=9000), cells + rng.normal(size=9000)], axis=1)
    table = level_table(cells, 4, others)
    assert table is not None
    assert table[:3] / QUANTA == pytest.approx([-1.22, 0, 1.22], abs=0.07)


def test_many_levels_that_tell_nothing_take_no_part() -> None:
    """The means of many levels would fit the reference's own rows, and no others."""
    rng = np.random.default_rng(2)
    assert level_table(rng.integers(0, 400, ROWS), 402, rng.normal(size=(ROWS, 1))) is None


@pytest.mark.parametrize("cut", [1, 777, 5999])
def test_a_record_scores_alike_alone_and_among_others(cut: int) -> None:
    """Joint scores are the same bits however the rows are cut."""
    data = correlated()
    joint, rows = compiled(data), pa.table(data)
    parts = zip(joint.columns(rows.slice(0, cut)), joint.columns(rows.slice(cut)), strict=True)
    assert [pa.concat_arrays(part) for part in parts] == list(joint.columns(rows))


def test_a_pair_without_both_values_has_none() -> None:
    """Where a value is missing its pairs are missing too; what needs all columns takes its middle."""
    data = correlated()
    joint = compiled(data)
    data["a"] = np.where(np.arange(ROWS) < 10, np.nan, data["a"])
    found = scored(joint, data)
    assert (np.isnan(found["a~b"]).sum(), np.isnan(found["pca_error"]).sum()) == (10, 0)


def test_the_most_dependent_columns_take_part() -> None:
    """Where fewer columns may take part than there are, they are those that depend most on another."""
    assert {scorer.name for scorer in compiled(correlated(), JointSettings(columns=2)).scorers} == {"a", "b"}


@pytest.mark.parametrize(("rows", "columns"), [(10, 24), (ROWS, 1), (ROWS, 0)])
def test_nothing_joint_is_watched_of_too_little(rows: int, columns: int) -> None:
    """Too few rows, or room for under two columns, make no joint scores."""
    data = correlated(rows)
    bins = [numeric(name, values) for name, values in data.items()]
    assert compile_joint(pa.table(data), bins, JointSettings(columns=columns)) is None


def test_products_are_exact() -> None:
    """Products of whole numbers are those of arbitrary integers, past one block of rows too."""
    rng = np.random.default_rng(4)
    scores, directions = rng.integers(-4096, 4097, (600, 24)), rng.integers(-(2**20), 2**20, (24, 33))
    assert (projected(scores.astype(float), directions.astype(float)) == scores @ directions).all()
    assert (cross_products(scores.astype(float)) == scores.T @ scores).all()
