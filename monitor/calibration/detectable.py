"""What a compiled reference can show at all: the least effect that is ever paged, and how long a larger one takes.

A bet l on a channel gathers about l z - l^2 / 2 of log evidence a step, where z is the effect over the *floor*
(tolerance and the reference's own error) in standard errors, and pages once its share of the evidence reaches N: after
ln(V N / w) / (l z - l^2 / 2) steps, V being the bets, signs and views that a channel's weight w is spread over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from monitor.calibration.arrays import BETS, SIGNS, bets
from monitor.calibration.engine import Engine

_VIEWS = 2
LOCATION, MISSING, UNSEEN, LEVEL = "location", "missing", "unseen", "level"


@dataclass(frozen=True, slots=True)
class Floor:
    """The least effect of a channel that is ever paged.

    Attributes
    ----------
    channel: its place among the engine's channels.
    value: standard deviations of the reference, or a change of a share where ``is_share``.
    """

    channel: int
    value: float
    is_share: bool


def floors(engine: Engine, feature: int) -> dict[str, Floor]:
    """Return the floor of every channel of a feature, by the channel's name."""
    channels = engine.null.channels
    least = (channels.tolerance + engine.null.inflation.margin) * channels.unit
    return {
        channels.names[place]: Floor(place, float(least[place]), bool(channels.proportion[place]))
        for place in np.flatnonzero(channels.feature == feature).tolist()
    }


def main_floor(engine: Engine, feature: int) -> Floor | None:
    """Return the floor of a number's location, or of the level of a category whose share is seen soonest.

    ``None`` where there is neither: one value has nearly all rows, or no level is frequent.
    """
    found = floors(engine, feature)
    if LOCATION in found:
        return found[LOCATION]
    levels = [floor for name, floor in found.items() if name.startswith(LEVEL)]
    return min(levels, key=lambda floor: floor.value, default=None)


def steps_to_find(engine: Engine, floor: Floor, effect: float) -> int | None:
    """Return about how many steps an effect in one channel alone takes to page; ``None`` if it never does.

    Parameters
    ----------
    effect: in the floor's unit, on one side.
    """
    null, place = engine.null, floor.channel
    over = (effect - floor.value) / float(null.channels.unit[place])
    if over <= 0:
        return None
    variance = 1 / float(null.typical_rows[place]) + float(null.reference_variance[place])
    wide = variance + float(null.wobble.variance[place]) * null.inflation.at_bets[:, place]
    gain = float((bets() * over / np.sqrt(wide * engine.replay.kappa) - bets() ** 2 / 2).max())
    if gain <= 0:
        return None
    parts = len(SIGNS) * len(BETS) * _VIEWS
    needed = math.log(parts * engine.threshold / float(null.channels.weight[place]))
    return max(math.ceil(needed / gain), 1)
