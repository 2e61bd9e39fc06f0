"""Bets that two groups stay further apart than is allowed: evidence that adds up over windows.

The records of a window share its weather, so that the difference of two groups is off by far more than so many
independent records would let it: an interval of one window holds for its own records, and not for what lasts. What
lasts is bet on. While the conditional mean of a difference x in [a, 1] is at most m,

    M <- (1 + M) (1 + f / (m - a) (x - m)),  f < 1,

is a Shiryaev-Roberts e-detector, as in :mod:`monitor.calibration.betting`: the mean of all M reaches N once in N
windows at most, whatever the windows have in common. Which two groups are bet on is chosen by the windows before, so
that looking for the worst pair costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from monitor.calibration.betting import FRACTIONS

Values: TypeAlias = Mapping[str, float]
"""What was measured of each group, by its name."""
_MEMORY = 1 - 1 / 28
"""What is known of the groups weighs so much less a window later."""
_TINY, _LARGEST = 1e-12, 1e200


@dataclass(frozen=True, slots=True)
class Wager:
    """What is remembered of one measure of one column.

    Attributes
    ----------
    won: of each bet. ``seen``: of each of the measure's comparisons the mean of each group so far, and its weight.
    """

    won: tuple[float, ...] = (0.0,) * len(FRACTIONS)
    seen: tuple[Mapping[str, tuple[float, float]], ...] = field(default=())

    @property
    def evidence(self) -> float:
        """Return the mean of all bets: at N the alarm fires."""
        return sum(self.won) / len(self.won)


def apart(wager: Wager, sides: Sequence[Values]) -> float | None:
    """Return how far those two groups are apart now that were furthest apart before; ``None`` if that is not known.

    >>> apart(after(Wager(), [{"a": 0.5, "b": 0.2}], 0.1), [{"a": 0.1, "b": 0.4}])
    -0.3
    """
    found = [_furthest(before, now) for before, now in zip(wager.seen, sides, strict=False)]
    known = [pair for pair in found if pair is not None]
    return max(known)[1] if known else None


def _furthest(before: Mapping[str, tuple[float, float]], now: Values) -> tuple[float, float] | None:
    """Return how far the chosen two were apart, and are."""
    both = sorted((before[name][0], name) for name in now if name in before)
    if len(both) <= 1:
        return None
    (least, low), (most, high) = both[0], both[-1]
    return most - least, round(now[high] - now[low], 12)


def after(wager: Wager, sides: Sequence[Values], limit: float, least: float = -1.0) -> Wager:
    """Return what is remembered after a window.

    Parameters
    ----------
    sides: what was measured of each group that had enough rows; of each comparison, if the measure makes several.
    limit: how far apart two groups may be. ``least``: the smallest difference that can be.
    """
    now = apart(wager, sides)
    won = wager.won
    if now is not None and limit > least:
        gains = np.maximum(1 + np.array(FRACTIONS) / (limit - least) * (now - limit), _TINY)
        won = tuple(np.minimum((1 + np.array(won)) * gains, _LARGEST).tolist())
    seen = (*wager.seen, *({} for _ in range(len(sides) - len(wager.seen))))
    return Wager(won, tuple(_told(before, now) for before, now in zip(seen, sides, strict=False)))


def _told(before: Mapping[str, tuple[float, float]], now: Values) -> dict[str, tuple[float, float]]:
    """Return the mean of each group with a window more."""
    found = {name: (mean, weight * _MEMORY) for name, (mean, weight) in before.items()}
    for name, value in now.items():
        mean, weight = found.get(name, (0.0, 0.0))
        found[name] = ((mean * weight + value) / (weight + 1), weight + 1)
    return found


def again(wager: Wager) -> Wager:
    """Return what is remembered once an alarm is over: the groups, and no winnings."""
    return Wager(seen=wager.seen)
