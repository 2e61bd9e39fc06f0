"""Two means compared block by block, with an interval that may be looked at whenever one likes.

A *block* is a stretch of time: its difference d of two means, over n = a b / (a + b) effective rows, is held to be
normal around the true difference with variance sigma^2 / n, sigma unknown. So records inside a block may depend on
each other as they like: what that does to the block's mean is in sigma. With k blocks, N = sum n, and e for the
difference,

    E(e) = mean over g of (1 + g N)^(-1/2) ((S + u) / (S + u / (1 + g N)))^(k/2)
    S = sum n (d - m)^2,   u = N (m - e)^2,   m = sum n d / N

is a Bayes factor with a normal prior of variance g sigma^2 on the difference and the right Haar prior on sigma, hence,
for the true e, a test martingale: it ever reaches 1/alpha with chance alpha at most (Ville), and all e under that are a
confidence sequence (Lai 1976, Annals of Statistics 4:265; Hendriksen, de Heide, Gruenwald 2021, Bayesian Analysis
16:961; Wang and Ramdas 2023, arXiv 2310.03722). Blocks whose spread differs, or whose tails are heavy, make it more
careful (Benjamini 1983, JASA 78:428).

Blocks that are alike for long, as in a storm of days, would deceive it. So it is kept at several scales beside, blocks
joined by 2, 4, 8, …, wherever there are enough of them, and the interval is what holds the intervals of all scales.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_PRIORS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Variances of the difference over that of a row, equally likely beforehand: from plain to hardly there."""
LEAST_BLOCKS = 5
"""Fewer do not tell how much blocks vary."""
LEAST_ROWS = 30
"""Of each side in a block: smaller stretches are joined, so that its mean is about normal."""
_LEAST_JOINED = 8
"""So many blocks of a scale at least tell how much they vary, beside the finest."""
_HALVINGS = 50
_MOST_LOG = 200.0
_MOST_BLOCKS = 2**40


@dataclass(frozen=True, slots=True)
class Side:
    """What one side showed in a stretch: the sum of its values, and of how many rows."""

    total: float = 0.0
    rows: int = 0

    def __add__(self, other: Side) -> Side:
        return Side(self.total + other.total, self.rows + other.rows)


@dataclass(frozen=True, slots=True)
class Scale:
    """Sums over the blocks of one length.

    Attributes
    ----------
    blocks: how many. ``weight``: the sum of n. ``total``, ``squares``: the sums of n d and n d^2.
    odd: n and n d of a block that waits for the one that it is joined with for the next scale; ``None`` if none does.
    """

    blocks: int = 0
    weight: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    odd: tuple[float, float] | None = None

    @property
    def mean(self) -> float:
        """Return the difference over all blocks."""
        return self.total / self.weight

    @property
    def spread(self) -> float:
        """Return S, the sum of squares around the mean."""
        return max(self.squares - self.total * self.mean, 0.0)


@dataclass(frozen=True, slots=True)
class Contest:
    """All that is remembered of a comparison of two means; it grows with the logarithm of its blocks only.

    Attributes
    ----------
    waiting: of the newer and the older side, stretches that are too small to be a block.
    rows: of both sides in blocks.
    scales: blocks, blocks joined by two, by four, ….
    """

    waiting: tuple[Side, Side] = (Side(), Side())
    rows: tuple[int, int] = (0, 0)
    scales: tuple[Scale, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The newer side's mean less the older's, with its interval; infinite where nothing is known yet."""

    value: float
    lower: float
    upper: float


def enter(contest: Contest, new: Side, old: Side) -> Contest:
    """Return the comparison after a stretch; one with too few rows of a side waits for the next."""
    a, b = contest.waiting[0] + new, contest.waiting[1] + old
    if min(a.rows, b.rows) < LEAST_ROWS:
        return Contest((a, b), contest.rows, contest.scales)
    weight = a.rows * b.rows / (a.rows + b.rows)
    scales = _added(contest.scales, weight, weight * (a.total / a.rows - b.total / b.rows))
    return Contest(rows=(contest.rows[0] + a.rows, contest.rows[1] + b.rows), scales=scales)


def _added(scales: tuple[Scale, ...], weight: float, total: float) -> tuple[Scale, ...]:
    """Add a block to the finest scale, and each pair that it completes to the next."""
    first, rest = (scales[0], scales[1:]) if scales else (Scale(), ())
    odd = first.odd
    squares = first.squares + total * total / weight
    grown = Scale(
        first.blocks + 1, first.weight + weight, first.total + total, squares, (weight, total) if odd is None else None
    )
    return (grown, *(rest if odd is None else _added(rest, odd[0] + weight, odd[1] + total)))


def difference(contest: Contest, alpha: float) -> Difference | None:
    """Return the difference with an interval that holds the true one at all times at once, but with chance alpha.

    ``None`` without a block.

    >>> contest = Contest()
    >>> for wrong in (300, 310, 295, 305, 290, 301, 299, 304, 296, 300):
    ...     contest = enter(contest, Side(wrong - 100, 1000), Side(wrong, 1000))
    >>> found = difference(contest, 0.05)
    >>> round(found.value, 3), found.upper < 0
    (-0.1, True)
    """
    if not contest.scales:
        return None
    value = contest.scales[0].mean
    widths = [(scale.mean, half_width(scale, alpha)) for scale in _told(contest)]
    if not widths:
        return Difference(value, -math.inf, math.inf)
    return Difference(value, min(mean - width for mean, width in widths), max(mean + width for mean, width in widths))


def _told(contest: Contest) -> list[Scale]:
    """Return the scales that have enough blocks; none while even the finest has not."""
    if contest.scales[0].blocks < LEAST_BLOCKS:
        return []
    return [contest.scales[0], *(scale for scale in contest.scales[1:] if scale.blocks >= _LEAST_JOINED)]


def half_width(scale: Scale, alpha: float) -> float:
    """Return half the width of a scale's interval: the largest |m - e| whose evidence is under 1/alpha."""
    blocks, weight, spread = scale.blocks, scale.weight, scale.spread
    if not spread:
        return 0.0
    bar = -math.log(alpha)
    if _log_evidence(blocks, weight, _MOST_LOG) < bar:
        return math.inf
    low, high = -_MOST_LOG, _MOST_LOG  # of log(u / S)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_evidence(blocks, weight, middle) < bar else (low, middle)
    return math.sqrt(math.exp(high) * spread / weight)


def _log_evidence(blocks: int, weight: float, log_ratio: float) -> float:
    """Return log E where u is exp(log_ratio) times S."""
    ratio = math.exp(log_ratio)
    logs = []
    for prior in _PRIORS:
        shrunk = 1 + prior * weight
        gain = math.log1p(ratio) - math.log1p(ratio / shrunk)
        logs.append(blocks / 2 * gain - math.log(shrunk) / 2)
    top = max(logs)
    return top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))


def rows_needed(contest: Contest, alpha: float, true: float) -> int | None:
    """Return how many more rows of the newer side are needed until a true difference of that size shows.

    It is reckoned with blocks of the rows, and of the spread, that they have had so far.

    Returns
    -------
    0 if the interval is narrow enough already; ``None`` where it cannot be told: too few blocks, or no difference.
    """
    if not contest.scales or not (told := _told(contest)) or not true:
        return None
    finest = contest.scales[0]
    most = max(_blocks_for(scale, alpha, abs(true)) * finest.blocks / scale.blocks for scale in told)
    if most > _MOST_BLOCKS:
        return None
    return math.ceil(max(most - finest.blocks, 0) * contest.rows[0] / finest.blocks)


def _blocks_for(scale: Scale, alpha: float, width: float) -> float:
    """Return of how many blocks, like those so far, the interval is at most as wide."""
    row, variance = scale.weight / scale.blocks, scale.spread / max(scale.blocks - 1, 1)

    def wide(blocks: int) -> bool:
        ratio = row * blocks * width * width / (variance * (blocks - 1)) if variance else math.inf
        log_ratio = min(math.log(ratio), _MOST_LOG) if ratio else -_MOST_LOG
        return _log_evidence(blocks, row * blocks, log_ratio) < -math.log(alpha)

    high = scale.blocks
    while wide(high):
        high *= 2
        if high > _MOST_BLOCKS:
            return math.inf
    low = high // 2 if high > scale.blocks else high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high
