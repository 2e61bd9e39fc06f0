"""The plan: what the engine can find, and how soon. Say it instead of trying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.calibration.arrays import Floats, bets
from monitor.calibration.engine import Engine, strongest

PARTS = 24.0  # views, signs and bets among which a channel's weight is divided


@dataclass(frozen=True, slots=True)
class Floor:
    """What can be found in one feature, told in its main channel.

    Attributes
    ----------
    channel: the location of a numeric feature; of others the share with the greatest variance.
    floor: the least shift that is ever paged, in ``unit`` s: tolerance plus margin.
    unit: 1 for a score in standard deviations, sqrt(p (1-p)) for a share.
    delays: steps until about half of such drifts are found, for each asked effect; ``None`` where never.
    """

    feature: str
    channel: str
    tolerance: float
    margin: float
    floor: float
    unit: float
    delays: tuple[float | None, ...]


def delays(engine: Engine, effect: float, rows: Floats | None = None) -> Floats:
    """Return about how many steps each channel needs for a lasting shift, at least 1; infinite under its floor, (C,).

    Parameters
    ----------
    effect: in units of the channel.
    rows: of a step, (C,); by default those of the reference's blocks.
    """
    null = engine.null
    some = null.typical_rows if rows is None else rows
    variance = 1 / some + null.reference_variance + null.wobble.variance * null.inflation.at_bets
    beyond = effect - null.channels.tolerance - null.inflation.margin
    bet, z = bets()[:, np.newaxis], beyond / np.sqrt(variance * engine.replay.kappa)
    gain = (bet * z - bet**2 / 2).max(axis=0, initial=0.0, where=(bet * z > bet**2 / 2))
    needed = np.log(PARTS * engine.threshold / null.channels.weight)
    with np.errstate(divide="ignore"):
        steps: Floats = np.maximum(needed / gain, 1.0)
    return steps


def floors(engine: Engine, effects: Sequence[float] = ()) -> tuple[Floor, ...]:
    """Return the floor of each feature, and the delays for effects in standard deviations of its main channel."""
    channels = engine.null.channels
    location = np.array([name == "location" for name in channels.names])
    main = strongest(channels.feature, np.where(location, 2.0, channels.unit * channels.proportion))
    steps = [delays(engine, effect) for effect in effects]
    return tuple(
        Floor(
            feature=engine.features[channels.feature[channel]].name,
            channel=channels.names[channel],
            tolerance=float(channels.tolerance[channel]),
            margin=float(engine.null.inflation.margin[channel]),
            floor=float(channels.tolerance[channel] + engine.null.inflation.margin[channel]),
            unit=float(channels.unit[channel]),
            delays=tuple(float(by[channel]) if np.isfinite(by[channel]) else None for by in steps),
        )
        for channel in main.tolist()
    )
