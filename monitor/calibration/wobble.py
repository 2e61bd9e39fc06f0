"""The wobble: how much more the reference's blocks vary than their rows explain.

Real traffic changes from block to block without drifting. A channel's excess variance is taken where it is plain,
borrowed from the other channels where it is not, and looked for in longer and longer batches where it is faint.
The borrowing is in the spirit of Smyth 2004 (limma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.calibration.arrays import WOBBLING, Bools, Floats, Ints
from monitor.calibration.channels import Channels

LEAST_BATCHES = 10
THIN = 5.0  # fewer expected rows a block than this: the variance itself is noisy
WIDESPREAD = 0.1  # share of channels that must wobble before the others are suspected
CLEAR_RATIO = 1.25  # a wobble large enough to show how it grows with the length of batches
EVEN = 0.5  # harmonic over plain mean of rows, from which blocks count as equally long


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The reference's blocks as the channels see them.

    Attributes
    ----------
    times: in steps, (B,).
    residual: mean score less season; 0 in a block without rows; weighed where blocks are uneven, (B, C).
    rows: (B, C).
    reference_rows: over all blocks, (C,).
    typical_rows: of a block: see :func:`weigh`, (C,).
    freedom: degrees of freedom that the season took, (C,).
    unevenness: how many times the wobble of a mean over all rows is that of a mean of as many even blocks, (C,).
    """

    times: Ints
    residual: Floats
    rows: Floats
    reference_rows: Floats
    typical_rows: Floats
    freedom: Floats
    unevenness: Floats

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, eq=False)
class Wobble:
    """``variance`` of block means beyond sampling, tau squared, and its ``share`` of all their variance, both (C,)."""

    variance: Floats
    share: Floats

    @property
    def wobbling(self) -> Bools:
        """The channels whose wobble is plain enough to learn its shape from, (C,)."""
        return self.share > WOBBLING


def harmonic_rows(rows: Floats) -> Floats:
    """Return the harmonic mean of rows over the blocks that have any, (C,)."""
    present = rows > 0
    inverse = np.where(present, 1 / np.maximum(rows, 1), 0.0).sum(axis=0)
    return np.asarray(present.sum(axis=0) / inverse, dtype=np.float64)


def weigh(residual: Floats, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the residuals to judge the wobble by, the typical rows of a block, and the unevenness of blocks.

    Where blocks are about even, the residuals are as they are, their rows the harmonic mean and the unevenness 1. A
    night of five rows among days of hundreds has a residual so noisy that the wobble of the days drowns in it. There a
    residual counts by the root of its rows, r sqrt(n_b / mean n), so that each has the same noise, and sum(n r^2) is a
    chi-square sum but for the wobble, whose variance it holds mean n times (DerSimonian, Laird 1986, with weights n).
    """
    present = rows > 0
    harmonic, blocks = harmonic_rows(rows), np.maximum(present.sum(axis=0), 1)
    mean = rows.sum(axis=0) / blocks
    uneven = harmonic < EVEN * mean
    weight = np.where(uneven, np.sqrt(rows / np.maximum(mean, 1)), 1.0)
    spread = (rows**2).sum(axis=0) / blocks / np.maximum(mean, 1) ** 2
    return residual * weight, np.where(uneven, mean, harmonic), np.where(uneven, spread, 1.0)


def batch_lengths(blocks: int) -> list[int]:
    """Return 1, 2, 4 … while at least ten batches of that length fit; always 1.

    >>> batch_lengths(84)
    [1, 2, 4, 8]
    """
    return [1] + [2**power for power in range(1, blocks.bit_length()) if 2**power * LEAST_BATCHES <= blocks]


def batch_variance(residual: Floats, length: int) -> Floats:
    """Return ``length`` times the variance about 0 of the means of whole batches, (C,).

    For independent blocks it is that of one block at every length.
    """
    batches = len(residual) // length
    mean = residual[: batches * length].reshape(batches, length, -1).mean(axis=1)
    return np.asarray(length * (mean**2).sum(axis=0) / max(batches - 1, 1), dtype=np.float64)


def fit(channels: Channels, blocks: Blocks) -> Wobble:
    """Return the wobble of each channel."""
    share, rows = channels.share, blocks.typical_rows
    expected = rows * np.where(channels.proportion, np.minimum(share, 1 - share), 0.5)
    thin = expected < THIN
    freedom = np.maximum(len(blocks) - blocks.freedom, 1.0)
    ratio = rows * (blocks.residual**2).sum(axis=0) / freedom
    noise = np.sqrt(2 / freedom + thin / (len(blocks) * expected))
    over = ratio > 1 + 2 * noise
    plain = _plain(ratio, over, thin)
    faint = np.maximum(plain, _faint(blocks, ratio, over, expected))
    never_seen = channels.proportion & (share * blocks.reference_rows < 1)
    excess = np.where(over & ~thin, plain, np.where(never_seen, 1.0, faint))
    return Wobble((excess - 1) / rows, (excess - 1) / excess)


def _plain(ratio: Floats, over: Bools, thin: Bools) -> Floats:
    """Return the variance ratio where plainly over 1; elsewhere at least half the others' excess, if many wobble."""
    if over.mean() <= WIDESPREAD:
        return np.where(over, ratio, 1.0)
    pool = float(np.median(ratio[~thin])) if not thin.all() else 1.0
    return np.where(over, ratio, np.maximum(ratio, 1 + (pool - 1) / 2))


def _faint(blocks: Blocks, ratio: Floats, over: Bools, expected: Floats) -> Floats:
    """Return the variance ratio that batches betray where single blocks do not, at least 1, (C,)."""
    clear = over & (ratio > CLEAR_RATIO)
    found = np.ones(len(ratio))
    for length in batch_lengths(len(blocks)):
        batches = len(blocks) // length
        batched = blocks.typical_rows * batch_variance(blocks.residual, length)
        growth = 1.0
        if clear.any():
            growth = float(np.clip(np.median((batched[clear] - 1) / (ratio[clear] - 1)), 1, length))
        noise = np.sqrt(2 / batches + 1 / np.maximum(batches * length * expected, 1))
        found = np.where(batched > 1 + 2 * noise, np.maximum(found, 1 + (batched - 1) / growth), found)
    return found
