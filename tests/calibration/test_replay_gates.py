from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.calibration.engine import compile_engine
from monitor.calibration.gates import Uncalibrated, cycles, judge, main_period
from monitor.calibration.plan import floors
from monitor.calibration.replay import Replay, cut, false_pages

CLEAN = Replay(1.0, 0, 60)


def wobbling(step: int) -> float:
    """Give an independent shift a step, well over the noise of its rows."""
    return float(np.random.default_rng(step).normal() * 0.3)


def daily(step: int) -> float:
    """Give a season of eight steps."""
    return 0.5 * float(np.sin(2 * np.pi * step / 8))


def test_a_quiet_reference_is_calibrated(world: Any) -> None:
    """Independent rows without a season pass every gate."""
    here = world()
    engine = compile_engine(here.features, here.steps(60), 100.0, (8,))
    assert (engine.calibrated, engine.uncalibrated) == (True, None)


@pytest.mark.parametrize(("blocks", "why"), [(49, Uncalibrated.TOO_FEW_BLOCKS), (50, None)])
def test_a_wobble_needs_fifty_blocks(world: Any, blocks: int, why: Uncalibrated | None) -> None:
    """Where there is wobble, the rank view must be there to know its tails."""
    here = world()
    assert compile_engine(here.features, here.steps(blocks, wobbling), 100.0, ()).uncalibrated is why


def test_nothing_is_promised_on_fewer_than_ten_blocks(world: Any) -> None:
    """Under ten blocks a wobble cannot even be looked for."""
    here = world()
    assert compile_engine(here.features, here.steps(9), 100.0, ()).uncalibrated is Uncalibrated.TOO_FEW_BLOCKS


@pytest.mark.parametrize(("blocks", "why"), [(55, Uncalibrated.TOO_FEW_CYCLES), (56, None)])
def test_a_season_needs_seven_cycles(world: Any, blocks: int, why: Uncalibrated | None) -> None:
    """A season seen six times is not known well enough."""
    here = world()
    engine = compile_engine(here.features, here.steps(blocks, daily), 100.0, (8,))
    assert (main_period(engine.null), cycles(engine.null)) == (8, blocks / 8)
    assert engine.uncalibrated is why


@pytest.mark.parametrize("replayed", [Replay(11.4, 2, 60), Replay(5.0, 1, 60), Replay(7.6, 0, 60)])
def test_a_reference_that_pages_on_itself_promises_nothing(world: Any, replayed: Replay) -> None:
    """More than one page, or much caution needed to avoid them, closes the gate."""
    here = world()
    null = compile_engine(here.features, here.steps(60), 100.0, ()).null
    assert judge(null, replayed) is Uncalibrated.REPLAY_PAGES
    assert judge(null, replace(replayed, kappa=3.4, pages=1)) is None


def test_a_wobble_that_only_grows_promises_nothing(world: Any) -> None:
    """A random walk has no independent spells to learn from."""
    here = world(columns=1)
    walk = np.cumsum(np.random.default_rng(1).normal(size=120)) * 0.1
    engine = compile_engine(here.features, here.steps(120, lambda step: float(walk[step])), 100.0, ())
    assert judge(engine.null, CLEAN) is Uncalibrated.SLOPE


@pytest.mark.parametrize(
    ("blocks", "periods", "half"),
    [(60, (), 30), (60, (1,), 30), (61, (4,), 28), (84, (4, 28), 28), (83, (4, 28), 40), (30, (), 15)],
)
def test_halves_are_whole_cycles(blocks: int, periods: tuple[int, ...], half: int) -> None:
    """The cut falls on a whole number of the longest period that has three cycles in the reference."""
    assert cut(blocks, periods) == half


@pytest.mark.parametrize(("pages", "lower", "upper"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (4, 1.0899, 10.2416)])
def test_the_interval_of_false_pages_is_the_poisson_one(pages: int, lower: float, upper: float) -> None:
    """Bounds are those of Garwood's tables."""
    found = false_pages(Replay(1.0, pages, 336))
    assert found is not None
    assert [found.lower, found.upper] == pytest.approx([lower, upper], abs=1e-4)


def test_without_a_replay_nothing_is_expected() -> None:
    """A reference too short to be cut says nothing about false pages."""
    assert false_pages(Replay(1.0, None, 30)) is None


def test_the_floor_is_tolerance_and_margin(world: Any) -> None:
    """No shift under the floor is ever found; a larger one sooner than a smaller one."""
    here = world()
    engine = compile_engine(here.features, here.steps(60), 100.0, ())
    first = floors(engine, (0.01, 0.1, 0.5))[0]
    assert (first.feature, first.channel) == ("f0", "location")
    assert first.floor == first.tolerance + first.margin
    never, late, soon = first.delays
    assert never is None
    assert late is not None
    assert soon is not None
    assert late > soon >= 1
