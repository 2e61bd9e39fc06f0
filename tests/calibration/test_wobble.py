from __future__ import annotations

from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from monitor.calibration.channels import Channels, Feature, build
from monitor.calibration.wobble import Blocks, batch_lengths, batch_variance, fit, harmonic_rows, weigh

ROWS = 100.0


def world(growth: list[float], blocks: int, seed: int) -> tuple[Channels, Blocks]:
    """Give numeric channels (location and scale a feature) whose blocks vary ``growth`` times what rows explain."""
    features = [Feature(f"f{index}", "numeric") for index in range(len(growth) // 2)]
    spread = np.array([500, 1500, 4000, 6000, 4000, 1500, 500])
    channels = build(features, np.array([*np.tile(spread, len(features)), *[0] * len(features)]), [7] * len(features))
    kept = np.isin(np.array(channels.names), ["location", "scale"])
    rng = np.random.default_rng(seed)
    variance = np.ones(len(channels))
    variance[kept] = growth
    residual = rng.normal(size=(blocks, len(channels))) * np.sqrt(variance / ROWS)
    rows = np.full(residual.shape, ROWS)
    return channels, Blocks(
        times=np.arange(blocks),
        residual=residual - residual.mean(axis=0),
        rows=rows,
        reference_rows=rows.sum(axis=0),
        typical_rows=harmonic_rows(rows),
        freedom=np.ones(len(channels)),
        unevenness=np.ones(len(channels)),
    )


def by_hand(channels: Channels, blocks: Blocks, clear_ratio: float = 1.25) -> list[float]:
    """Return the excess variance ratio of each channel, one at a time, as the rule is written."""
    count, every = len(blocks), range(len(channels))
    rows, share = blocks.typical_rows, channels.share
    e = [rows[c] * min(share[c], 1 - share[c]) if channels.proportion[c] else rows[c] / 2 for c in every]
    thin = [e[c] < 5 for c in every]
    freedom = [count - blocks.freedom[c] for c in every]
    ratio = [rows[c] * sum(blocks.residual[:, c] ** 2) / freedom[c] for c in every]
    noise = [(2 / freedom[c] + thin[c] / (count * e[c])) ** 0.5 for c in every]
    over = [ratio[c] > 1 + 2 * noise[c] for c in every]
    pool = median([ratio[c] for c in every if not thin[c]])
    many = sum(over) > 0.1 * len(channels)
    faint, length = [1.0 for _ in every], 1
    while count / length >= 10:
        m = count // length
        batches = [[blocks.residual[i * length : (i + 1) * length, c].mean() for i in range(m)] for c in every]
        batched = [length * rows[c] * sum(mean**2 for mean in batches[c]) / (m - 1) for c in every]
        growths = [(batched[c] - 1) / (ratio[c] - 1) for c in every if over[c] and ratio[c] > clear_ratio]
        growth = min(max(median(growths), 1), length) if growths else 1
        for c in every:
            if batched[c] > 1 + 2 * (2 / m + 1 / max(m * length * e[c], 1)) ** 0.5:
                faint[c] = max(faint[c], 1 + (batched[c] - 1) / growth)
        length *= 2
    found = []
    for c in every:
        post = ratio[c] if over[c] else max(ratio[c], 1 + (pool - 1) / 2) if many else 1.0
        unseen = channels.proportion[c] and share[c] * blocks.reference_rows[c] < 1
        found.append(post if over[c] and not thin[c] else 1.0 if unseen else max(post, faint[c]))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_wobble_is_that_of_the_rule_written_channel_by_channel(seed: int) -> None:
    """The vectorised wobble is the plain one: borrowing, batches, thin and never-seen shares."""
    channels, blocks = world([4.0, 1.2, 1.0, 2.0], 400, seed)
    wobble = fit(channels, blocks)
    np.testing.assert_allclose(wobble.variance * ROWS + 1, by_hand(channels, blocks), rtol=1e-9)
    np.testing.assert_allclose(wobble.share, wobble.variance / (wobble.variance + 1 / ROWS), atol=1e-12)


def test_a_wobble_of_under_a_quarter_does_not_say_how_wobbles_grow() -> None:
    """Channels over the noise but under 1.25 are left out of the growth by which faint wobbles are divided."""
    channels, blocks = world([1.0, 1.0, 4.0, 1.0], 3000, 0)
    slow = np.repeat(np.random.default_rng(11).normal(size=(375, len(channels))), 8, axis=0)
    strength = np.array([0.15 if name in {"location", "scale"} else 0.03 for name in channels.names])
    strength[(channels.feature == 1) & (np.array(channels.names) == "location")] = 0  # plain, and of one block only
    blocks = replace(blocks, residual=blocks.residual + slow * np.sqrt(strength / ROWS))
    ratio = fit(channels, blocks).variance * ROWS + 1
    assert by_hand(channels, blocks, 1.0) != pytest.approx(by_hand(channels, blocks), rel=1e-6)
    np.testing.assert_allclose(ratio, by_hand(channels, blocks), rtol=1e-9)


def test_independent_blocks_have_the_same_variance_at_every_length() -> None:
    """Batches of independent blocks vary, times their length, as blocks do."""
    residual = np.random.default_rng(0).normal(size=(4096, 50))
    for length in (1, 4, 64):
        assert batch_variance(residual, length).mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("blocks", "lengths"), [(1, [1]), (19, [1]), (20, [1, 2]), (336, [1, 2, 4, 8, 16, 32])])
def test_at_least_ten_batches_are_looked_at(blocks: int, lengths: list[int]) -> None:
    """Batches end at a tenth of the reference."""
    assert batch_lengths(blocks) == lengths


def test_blocks_without_rows_are_not_in_the_harmonic_mean() -> None:
    """An empty block says nothing about how many rows blocks have."""
    assert harmonic_rows(np.array([[10.0], [0.0], [40.0]])).tolist() == [16.0]


def test_residuals_of_about_even_blocks_are_as_they_are() -> None:
    """Rows whose harmonic mean is over half of their mean weigh nothing."""
    residual, rows = np.array([[2.0], [3.0]]), np.array([[10.0], [40.0]])
    weighed, typical, unevenness = weigh(residual, rows)
    assert (weighed.tolist(), typical.tolist(), unevenness.tolist()) == (residual.tolist(), [16.0], [1.0])


def test_residuals_of_uneven_blocks_count_by_the_root_of_their_rows() -> None:
    """Of blocks of 1 and 9 rows, 5 on average, they count sqrt(1/5) and sqrt(9/5); the mean of squares is 41 / 25."""
    weighed, typical, unevenness = weigh(np.array([[2.0], [3.0]]), np.array([[1.0], [9.0]]))
    assert weighed[:, 0] == pytest.approx([2 / 5**0.5, 9 / 5**0.5])
    assert (typical.tolist(), unevenness.tolist()) == ([5.0], [1.64])


@pytest.mark.parametrize("variance", [0.0, 0.01])
def test_nights_of_few_rows_do_not_hide_the_wobble_of_days(variance: float) -> None:
    """Where each fourth block has 5 rows and the others 400, the wobble is found as it was put in."""
    channels, blocks = world([1.0, 1.0], 2000, 3)
    rng = np.random.default_rng(8)
    rows = np.tile(np.array([5.0, 400.0, 400.0, 400.0]), 500)[:, np.newaxis] * np.ones(len(channels))
    residual = rng.normal(size=rows.shape) * np.sqrt(variance + 1 / rows)
    weighed, typical, unevenness = weigh(residual, rows)
    uneven = replace(blocks, residual=weighed, rows=rows, typical_rows=typical, unevenness=unevenness)
    kept = np.isin(np.array(channels.names), ["location", "scale"])
    np.testing.assert_allclose(fit(channels, uneven).variance[kept], variance, rtol=0.1, atol=1e-4)
