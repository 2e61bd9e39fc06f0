"""How fast an objective's budget is used up: burn rates over a long and a short window at once.

A burn rate of 1 uses the whole budget in the whole period. As in Google's SRE workbook (2018, chapter 5, "Multiwindow,
multi-burn-rate alerts") an alert needs 2 % of the budget gone within 1/720 of the period, 5 % within 1/120 or 10 %
within 1/10 (1 h, 6 h and 3 d of 30 d), and the same rate over the last twelfth of that, so that it ends soon after the
burning does. No window is shorter than a step; there a lower rate uses as much of the budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from scipy.special import bdtrc

from monitor.instant import SECOND, Instant

_PARTS = ((720, 0.02, "critical"), (120, 0.05, "critical"), (10, 0.10, "warning"))
"""The period over the long window, the share of the budget that it uses up, and how bad that is."""
_SHORTER = 12
CHANCE = 0.01
"""One bad window of one may be told of an objective of 99 % of windows, one bad record of five may not."""
_HOUR, _DAY = 3600 * SECOND, 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows, in microseconds, and the burn rate that both must reach."""

    long: int
    short: int
    rate: float
    severity: str


@dataclass(frozen=True, slots=True)
class Burning:
    """The fastest burning that an alert is due for: the pair, and the rates over its windows."""

    pair: Pair
    over_long: float
    over_short: float


@dataclass(slots=True)
class Ledger:
    """Bad ones and all of them, by buckets of event time: fine ones of late, and coarse ones as far as the period goes.

    ``tiers`` maps the length of a bucket, in microseconds, to its buckets: number since 1970 -> [bad, all].
    ``since`` is the start of the first step that was entered.
    """

    tiers: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    since: Instant | None = None


def pairs(period: int, every: int) -> list[Pair]:
    """Return the pairs of windows for a period and a step, in microseconds, the most urgent first.

    >>> [(p.long // _HOUR, p.short // _HOUR, p.rate) for p in pairs(30 * _DAY, _HOUR)]
    [(1, 1, 14.4), (6, 1, 6.0), (72, 6, 1.0)]
    """
    found: list[Pair] = []
    for part, consumed, severity in _PARTS:
        long = _whole(period / part, every)
        rate = max(round(consumed * period / long, 6), 1.0)
        found.append(Pair(long, _whole(period / part / _SHORTER, every), rate, severity))
    return found


def _whole(length: float, every: int) -> int:
    return max(math.ceil(length / every - 1e-9), 1) * every


def _tiers(period: int, every: int) -> Iterator[tuple[int, int]]:
    """Yield the length of a bucket and how far back such buckets are kept, finest first."""
    medium, longest = (max(pair.long for pair in pairs(period, every)[:place]) for place in (2, 3))
    yield from ((every, medium), (_whole(_HOUR, every), longest), (_whole(_DAY, every), max(period, longest)))


def enter(ledger: Ledger, end: Instant, counted: tuple[int, int], period: int, every: int) -> None:
    """Write down how many of a step that ends now were bad, of how many; forget what is older than is asked for.

    Parameters
    ----------
    period, every: the objective's period and the step, in microseconds.
    """
    ledger.since = end - every if ledger.since is None else min(ledger.since, end - every)
    kept: dict[int, int] = {}
    for size, keep in _tiers(period, every):
        kept[size] = max(kept.get(size, 0), keep)
    for size in [size for size in ledger.tiers if size not in kept]:
        del ledger.tiers[size]
    for size, keep in kept.items():
        buckets = ledger.tiers.setdefault(size, {})
        place = (end - 1) // size
        bad, whole = buckets.get(place, (0, 0))
        buckets[place] = [bad + counted[0], whole + counted[1]]
        for old in [old for old in buckets if (old + 1) * size <= end - keep]:
            del buckets[old]


def counted_over(ledger: Ledger, end: Instant, length: int, lengths: tuple[int, int]) -> tuple[int, int]:
    """Return bad ones and all of them in the stretch of a length that ends now, to the bucket."""
    for size, keep in _tiers(*lengths):
        if length <= keep:
            buckets = ledger.tiers.get(size, {})
            inside = [counted for place, counted in buckets.items() if (place + 1) * size > end - length]
            return sum(bad for bad, _ in inside), sum(whole for _, whole in inside)
    return 0, 0


def burn_rate(ledger: Ledger, end: Instant, length: int, allowed: float, lengths: tuple[int, int]) -> float | None:
    """Return how many times faster than allowed the budget was used up in a stretch; ``None`` where nothing is known.

    Of a stretch that began before anything was counted only the counted part can have used up budget.

    Parameters
    ----------
    allowed: the share that may be bad, above 0.
    lengths: the objective's period and the step, in microseconds.

    >>> ledger = Ledger()
    >>> enter(ledger, 2 * _HOUR, (2, 100), 30 * _DAY, _HOUR)
    >>> [burn_rate(ledger, 2 * _HOUR, hours * _HOUR, 0.01, (30 * _DAY, _HOUR)) for hours in (1, 4)]
    [2.0, 0.5]
    """
    bad, whole = counted_over(ledger, end, length, lengths)
    if not whole or ledger.since is None:
        return None
    return round(bad / whole / allowed * min((end - ledger.since) / length, 1.0), 9)


def burning(ledger: Ledger, end: Instant, allowed: float, lengths: tuple[int, int]) -> Burning | None:
    """Return the most urgent pair whose windows both burn fast enough, or ``None``.

    Where few are counted a high rate may be chance: were the objective just kept, so many bad ones over the long window
    must be no likelier than ``CHANCE`` (the exact binomial tail).
    """
    for pair in pairs(*lengths):
        over_long, over_short = (burn_rate(ledger, end, size, allowed, lengths) for size in (pair.long, pair.short))
        if over_long is None or over_short is None or min(over_long, over_short) < pair.rate:
            continue
        bad, whole = counted_over(ledger, end, pair.long, lengths)
        if bdtrc(bad - 1, whole, allowed) <= CHANCE * (1 + 1e-9):
            return Burning(pair, over_long, over_short)
    return None


def budget_left(ledger: Ledger, end: Instant, allowed: float, lengths: tuple[int, int]) -> float | None:
    """Return what is left of the period's budget, were the whole period as busy: 1 is all, below 0 it is overdrawn."""
    rate = burn_rate(ledger, end, lengths[0], allowed, lengths)
    return None if rate is None else 1 - rate
