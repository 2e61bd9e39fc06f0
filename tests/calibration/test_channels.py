from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.channels import Channels, Feature, bin_mass, build, means


def channels_of(count: list[int], *, kind: str = "numeric", missing: int = 5) -> Channels:
    """Build the channels of one feature."""
    feature = Feature("f", "numeric" if kind == "numeric" else "category")
    return build([feature], np.array([*count, missing]), [len(count)])


def test_scores_have_mean_0_and_variance_1_over_the_reference() -> None:
    """Location and scale are standardised under the bins' mass."""
    channels = channels_of([5, 20, 40, 80, 40, 20, 5])
    for mass, score in channels.spectra:
        assert (mass * score).sum() == pytest.approx(0, abs=1e-12)
        assert (mass * score**2).sum() == pytest.approx(1)


def test_scale_is_orthogonal_to_location() -> None:
    """A shift of a skewed feature does not move its scale."""
    (mass, location), (_, scale) = channels_of([5, 20, 40, 80, 160, 20, 500]).spectra
    assert (mass * location * scale).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("count", "names"),
    [
        ([10_000, 1], ("low", "missing")),
        ([5000, 5000], ("location", "missing")),
        ([10_000], ("missing",)),
        ([0, 0, 0], ("missing",)),
        ([4, 996, 8000, 996, 4], ("location", "scale", "low", "high", "missing")),
        ([30, 970, 8000, 970, 30], ("location", "scale", "low", "high", "tail", "missing")),
    ],
)
def test_a_numeric_feature_has_the_channels_its_bins_allow(count: list[int], names: tuple[str, ...]) -> None:
    """A bin of nearly all rows leaves no location, two bins no scale, and small or large shares no tails."""
    names = tuple(name for name in names if name != "low" or count[0] < 5000)
    assert channels_of(count).names == names


@pytest.mark.parametrize(
    ("count", "names"),
    [
        ([600, 400], ("level0", "missing")),
        ([3, 600], ("level1", "rare", "missing")),
        ([600, 0], ("level0", "unseen", "missing")),
        ([600, 300, 20, 19, 0], ("level0", "level1", "level2", "rare", "unseen", "missing")),
        ([60_000, 300, 119, 0], ("level0", "level1", "rare", "unseen", "missing")),
        ([900_000, 0], ("unseen", "missing")),  # half a row, a share of under a millionth, is yet all there is to see
        ([7], ("missing",)),
    ],
)
def test_a_category_has_a_channel_a_frequent_level(count: list[int], names: tuple[str, ...]) -> None:
    """A level needs 20 rows and 0.2 % to be watched by itself; of two levels one says all."""
    assert channels_of(count, kind="category").names == names


def test_a_share_tolerates_a_fifth_of_a_percent() -> None:
    """The tolerance of a rare share is 0.2 points, in its own standard deviations."""
    channels = channels_of([600, 400], missing=9)
    missing = channels.names.index("missing")
    share = 9.5 / 1010
    assert channels.tolerance[missing] == pytest.approx(max(0.02, 0.002 / np.sqrt(share * (1 - share))))


def test_weights_are_half_uniform_and_half_by_importance() -> None:
    """A feature of three quarters of the importance gets 1/6 + 3/8 of three features' weight, even over channels."""
    features = [Feature("a", "category", 3.0), Feature("b", "category", 1.0), Feature("c", "category", None)]
    channels = build(features, np.array([50, 50, 50, 50, 50, 50, 50, 50, 5, 5, 5]), [2, 2, 4])
    by_feature = np.bincount(channels.feature, weights=channels.weight)
    np.testing.assert_allclose(by_feature, [1 / 6 + 3 / 8, 1 / 6 + 1 / 8, 1 / 6])
    assert len(set(channels.weight[channels.feature == 2].tolist())) == 1


@pytest.mark.parametrize("importance", [None, 0.0, -1.0])
def test_weights_without_importance_are_uniform(importance: float | None) -> None:
    """No importance, and none above 0, mean the same for every feature."""
    features = [Feature("a", "category", importance), Feature("b", "category", importance)]
    channels = build(features, np.array([50, 50, 50, 50, 5, 5]), [2, 2])
    np.testing.assert_allclose(np.bincount(channels.feature, weights=channels.weight), [0.5, 0.5])


def test_means_are_those_of_the_rows() -> None:
    """A channel's mean is the plain mean of its score over a step's rows, missing ones apart."""
    channels = channels_of([30, 970, 8000, 970, 30])
    mean, rows = means(channels, np.array([[1, 2, 3, 4, 0, 10]]), [5])
    score = channels.spectra[0][1]
    assert mean[0, 0] == pytest.approx((score[0] + 2 * score[1] + 3 * score[2] + 4 * score[3]) / 10)
    share = 5.5 / 10_006
    assert mean[0, -1] == pytest.approx((0.5 - share) / np.sqrt(share * (1 - share)))
    assert rows[0].tolist() == [10] * (len(channels) - 1) + [20]


def test_a_step_gives_the_same_bits_alone_as_among_others() -> None:
    """Means do not depend on how many steps are asked for at once."""
    channels = channels_of([30, 970, 8000, 970, 30])
    flat = np.random.default_rng(1).integers(0, 100, size=(50, 6))
    together, _ = means(channels, flat, [5])
    alone = np.concatenate([means(channels, row[np.newaxis], [5])[0] for row in flat])
    assert together.tobytes() == alone.tobytes()


def test_the_mass_of_an_unseen_bin_is_a_share_of_half_a_row() -> None:
    """Smoothing spreads half a row over all bins."""
    np.testing.assert_allclose(bin_mass(np.array([0, 9])), [0.25 / 9.5, 9.25 / 9.5])
