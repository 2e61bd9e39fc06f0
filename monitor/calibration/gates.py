"""Gates: where the false-alarm promise is not made. An uncalibrated engine shows its evidence and pages nobody."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from monitor.calibration.null import LEAST_RANK_BLOCKS, Null
from monitor.calibration.replay import ALLOWED_PAGES, Replay
from monitor.calibration.wobble import LEAST_BATCHES

LEAST_CYCLES = 7
TOO_CAUTIOUS = 5.0
STEEP = 0.6
LEAST_SPELLS = 10
GROWING_SHARE = 0.25  # of channels: well over the twentieth of real data, under the half of an AR(1) of .95


class Uncalibrated(StrEnum):
    """Why the promise is not made."""

    TOO_FEW_BLOCKS = "too_few_blocks"
    TOO_FEW_CYCLES = "too_few_cycles"
    REPLAY_PAGES = "replay_pages"
    SLOPE = "slope"


def main_period(null: Null) -> int | None:
    """Return the shortest period of the chosen season, in steps; ``None`` for a constant."""
    return min((term.period for term in null.season.terms), default=None)


def cycles(null: Null) -> float | None:
    """Return how many cycles of the main period the reference spans."""
    period = main_period(null)
    return None if period is None else null.span / period


def judge(null: Null, replay: Replay) -> Uncalibrated | None:
    """Return why the promise is not made, or ``None`` where it is.

    Under ten blocks nothing is known of the wobble; under fifty it may be seen, but the rank view, which knows its
    tails, is off. A wobble that still grows at the longest batch, where the reference holds few independent spells of
    it, is not bounded by anything measured. Single channels of real data do that by chance; a quarter of them may.
    """
    blocks, spans, inflation = null.blocks, cycles(null), null.inflation
    if blocks < LEAST_BATCHES or (blocks < LEAST_RANK_BLOCKS and null.wobble.wobbling.any()):
        return Uncalibrated.TOO_FEW_BLOCKS
    if spans is not None and spans < LEAST_CYCLES:
        return Uncalibrated.TOO_FEW_CYCLES
    if (replay.pages or 0) > ALLOWED_PAGES or replay.kappa >= TOO_CAUTIOUS:
        return Uncalibrated.REPLAY_PAGES
    growing = (inflation.slope >= STEEP) & (blocks / inflation.at_reference < LEAST_SPELLS)
    if np.mean(growing & null.wobble.wobbling) > GROWING_SHARE:
        return Uncalibrated.SLOPE
    return None
