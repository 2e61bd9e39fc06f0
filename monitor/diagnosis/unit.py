"""Unit change: the numbers are the reference's own in another unit, in all rows or in a part of them.

Each map of a catalogue of units, and the scale and the line that mean and spread suggest, is put to the reference's
values. What came of them is held against what is there: a map explains a column if it leaves what steps differ by
anyway, and far less than no map. A plain shift is no unit: that is what a population does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from monitor.bins import Floats, NumericBins
from monitor.diagnosis.atoms import Map, carried, lone_values, mean_fits, off_grid
from monitor.diagnosis.finding import Class, Found
from monitor.diagnosis.gap import gap
from monitor.diagnosis.seen import Evidence, Seen

_UNITS = (
    (1.609344, "miles to kilometres", "kilometres"),
    (0.621371192, "kilometres to miles", "miles"),
    (0.3048, "feet to metres", "metres"),
    (3.280839895, "metres to feet", "feet"),
    (2.54, "inches to centimetres", "centimetres"),
    (1 / 2.54, "centimetres to inches", "inches"),
    (25.4, "inches to millimetres", "millimetres"),
    (0.45359237, "pounds to kilograms", "kilograms"),
    (2.20462262, "kilograms to pounds", "pounds"),
    (1.852, "nautical miles to kilometres", "kilometres"),
    (0.514444, "knots to metres a second", "metres a second"),
    (0.44704, "miles an hour to metres a second", "metres a second"),
    (2.23693629, "metres a second to miles an hour", "miles an hour"),
    (3.6, "metres a second to kilometres an hour", "kilometres an hour"),
    (33.863886, "inches of mercury to hectopascals", "hectopascals"),
    (3.785411784, "gallons to litres", "litres"),
    (math.degrees(1), "radians to degrees", "degrees"),
    (math.radians(1), "degrees to radians", "radians"),
    (60.0, "hours to minutes, or minutes to seconds", "the smaller unit"),
    (1 / 60, "minutes to hours, or seconds to minutes", "the larger unit"),
    (3600.0, "hours to seconds", "seconds"),
    (1 / 3600, "seconds to hours", "hours"),
    (24.0, "days to hours", "hours"),
    (1 / 24, "hours to days", "days"),
    (10.0, "a decimal place", "ten times the old unit's numbers"),
    (0.1, "a decimal place", "a tenth of the old unit's numbers"),
    (100.0, "whole units to hundredths, as to cents or percent", "hundredths"),
    (0.01, "hundredths to whole units, as from cents or percent", "whole units"),
    (1000.0, "seconds to milliseconds, or kilo to plain", "thousandths"),
    (0.001, "milliseconds to seconds, or plain to kilo", "thousands"),
    (1e6, "seconds to microseconds", "millionths"),
    (1e-6, "microseconds to seconds", "millions"),
    (-1.0, "the sign is turned", "the opposite sign"),
)
_LINES = (
    (1.8, 32.0, "degrees Celsius to Fahrenheit", "degrees Fahrenheit"),
    (5 / 9, -160 / 9, "degrees Fahrenheit to Celsius", "degrees Celsius"),
    (1.0, 273.15, "degrees Celsius to kelvins", "kelvins"),
    (1.0, -273.15, "kelvins to degrees Celsius", "degrees Celsius"),
    (5 / 9, 459.67 * 5 / 9, "degrees Fahrenheit to kelvins", "kelvins"),
)
_BENT: tuple[tuple[Map, str, str], ...] = (
    (np.log, "natural logarithm", "logarithms"),
    (np.log1p, "natural logarithm of one more", "logarithms"),
    (np.log10, "logarithm to base ten", "logarithms"),
    (np.exp, "exponential", "exponentials: a logarithm was left out"),
)
_LEAST_SHARE = 0.25
"""A map that so few rows have undergone is not told from other changes."""
_NEARLY_ALL = 0.9
_PART_NOISE = 2.0
"""A map of a part of the rows has two numbers to fit with, and must leave no more than so many times chance."""
_MOST_OF_A_PART = 0.75
"""So sure is such a map at most, unless values are few and apart: other amounts in a part of the rows pass for it."""
_CLEARLY = 0.7
"""A map is told from a shift if it leaves less than this part of what a shift leaves."""
_FOLD, _EXACT = 3.0, 6.0
"""Without a map the two sides lie at least so many times further apart than with it; where no value is new, the second.
One that fits no better than the first is told, and left open."""
_SPREAD_SLACK, _SPREAD_NOISE = 0.1, 1.5
"""The logarithm of the spread may be off by so much: by what steps differ in, and by chance times the root of rows."""
_LEAST_OUTSIDE, _OUTSIDE_SLACK = 0.05, 0.2
_TIMES = 60.0
"""A population makes no value so many times as frequent."""
_SPREAD_QUANTA = 2.0**10
"""A spread under so many quanta is not known."""
_SQUARES_END = 2.0**25
"""Farther from the reference, in quanta, the sum of squares is cut off, and the spread not known."""
_LEAST_LEVELS = 8
"""Fewer values than these fit many maps."""
_LEAST_LOG = 0.05
"""A smaller scale is a shift."""
_LARGE = 2.5
"""A scale of no known unit is a fault from here on, or from 1 over it down; between them populations do it too."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A map, and how it is called; ``named`` is false for one that only mean and spread suggest."""

    change: Map
    factor: float | None
    offset: float
    what: str
    now: str | None
    named: bool = True


@dataclass(frozen=True, slots=True)
class _Fit:
    """How a map fits.

    Attributes
    ----------
    share: of the rows that it changed. ``left``: how far apart the sides still are.
    novel: whether it puts rows where the reference has next to none. ``told``: whether those alone tell the share.
    """

    candidate: _Candidate
    share: float
    left: float
    novel: bool
    told: bool


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the change of unit that explains a column, or ``None``."""
    bins = seen.numbers
    if bins is None or not seen.now.values or int((seen.before.counts > 0).sum()) < _LEAST_LEVELS:
        return None
    apart = gap(seen.before.shares, seen.now.shares)
    fits = [fit for each in _candidates(seen) if (fit := _fit(seen, bins, each)) is not None]
    foreign = off_grid(seen, lattice=False)
    shifted = _left_by_a_shift(seen, bins)
    alike = [fit for fit in fits if fit.left <= min(seen.slack, apart / _FOLD)]
    alike = [fit for fit in alike if fit.share == 1.0 or fit.left <= _PART_NOISE * seen.noise]
    better = [fit for fit in alike if fit.told and _beats(fit, shifted)]
    proven = [fit for fit in better if fit.novel or foreign or (apart > seen.slack and _is_exact(seen, fit, apart))]
    proven = [fit for fit in proven if _beats(fit, shifted, _CLEARLY)]
    partly = [fit for fit in alike if not fit.told and fit.left <= min(seen.noise, apart / _FOLD) / 2]
    open_ = [fit for fit in alike if fit.told] if seen.far else [*better, *partly] if apart > seen.slack else []
    for good, class_ in ((proven, Class.DATA_FAULT), (open_, Class.UNCLEAR)):
        named = [fit for fit in good if fit.candidate.named]
        whole = [fit for fit in good if fit.share == 1.0 and class_ is Class.DATA_FAULT]
        best = min(named or whole, key=lambda fit: (round(fit.left, 3), -fit.share), default=None)
        if best is not None and (best.candidate.named or _is_no_population(seen, best.candidate)):
            return _told(seen, best, apart, class_)
    return None


def _left_by_a_shift(seen: Seen, bins: NumericBins) -> float:
    """Return how far apart the sides are once the mean is moved, as populations move it; infinite if it is no shift."""
    old, new = seen.before.side.mean, seen.now.side.mean
    if old is None or new is None:
        return math.inf
    fit = _fit(seen, bins, _guess(1.0, new - old))
    far = abs(new - bins.origin) > _SQUARES_END * bins.quantum
    return math.inf if fit is None or far or fit.share < 1.0 else fit.left


def _beats(fit: _Fit, shifted: float, part: float = 1.0) -> bool:
    """Say whether a map leaves less than a shift does; one that is a shift itself has none to beat."""
    return fit.candidate.factor == 1.0 or fit.left <= part * shifted


def _is_exact(seen: Seen, fit: _Fit, apart: float) -> bool:
    """Say whether a map fits so well, and is so large, that no value need be new to prove it.

    Chances that fall with the value make one gamma distribution of another: a scale that nothing was multiplied by.
    """
    bins, factor = seen.numbers, fit.candidate.factor
    if factor is not None and fit.candidate.offset == 0.0 and 1 / _LARGE < factor < _LARGE:
        return False
    return bins is not None and not lone_values(bins, seen.before) and fit.left <= min(seen.noise, apart / _EXACT)


def _candidates(seen: Seen) -> Iterator[_Candidate]:
    for factor, what, now in _UNITS:
        yield _Candidate(_line(factor, 0.0), factor, 0.0, what, now)
    for factor, offset, what, now in _LINES:
        yield _Candidate(_line(factor, offset), factor, offset, what, now)
    if seen.before.least > -1:
        for change, what, now in _BENT:
            yield _Candidate(change, None, 0.0, what, now)
    old, new = seen.before.side, seen.now.side
    if old.mean is None or new.mean is None or not old.sd or not new.sd:
        return
    if old.mean and new.mean / old.mean > 0:
        yield _guess(new.mean / old.mean, 0.0)
    factor = new.sd / old.sd
    yield _guess(factor, new.mean - factor * old.mean)


def _guess(factor: float, offset: float) -> _Candidate:
    return _Candidate(_line(factor, offset), factor, offset, "no unit that is known", None, named=False)


def _line(factor: float, offset: float) -> Map:
    return lambda values: values * factor + offset


def _fit(seen: Seen, bins: NumericBins, candidate: _Candidate) -> _Fit | None:
    """Return which share of the rows a map has changed, and how far apart the sides still are; or ``None``."""
    before, now = seen.before.shares, seen.now.shares
    mapped = carried(bins, seen.before, candidate.change)
    step, wanted = np.cumsum(mapped - before), np.cumsum(now - before)
    size = float(step @ step)
    share = float(np.clip(step @ wanted / size, 0.0, 1.0)) if size > 0 else 0.0
    if share < _LEAST_SHARE:
        return None
    share = 1.0 if share >= _NEARLY_ALL else share
    if share < 1.0 and not (candidate.named and (candidate.factor or 0) > 0 and candidate.offset == 0.0):
        return None
    told = (1 - share) * before + share * mapped
    novel = _novel(seen, told)[0] >= _LEAST_OUTSIDE
    if not _outside_fits(seen, told) or not _moments_fit(seen, candidate, share):
        return None
    return _Fit(candidate, share, gap(told, now), novel, novel or share == 1.0)


def _outside_fits(seen: Seen, told: Floats) -> bool:
    """Say whether as many rows lie where the reference has no value as a map would have put there.

    A population lies there by its tails alone. That a part of the rows has another unit is told by such rows only.
    """
    expected, found = _novel(seen, told)
    if expected >= _LEAST_OUTSIDE:
        return abs(found - expected) <= _OUTSIDE_SLACK * expected + seen.noise
    return bool(seen.now.shares[seen.before.counts == 0].sum() <= expected + _LEAST_OUTSIDE)


def _novel(seen: Seen, told: Floats) -> tuple[float, float]:
    """Return which share of rows a map puts where the reference has next to none, and which share is there."""
    places = told > _TIMES * seen.before.shares
    return float(told[places].sum()), float(seen.now.shares[places].sum())


def _moments_fit(seen: Seen, candidate: _Candidate, share: float) -> bool:
    mean, bins, factor, old = seen.before.side.mean, seen.numbers, candidate.factor, seen.before.side.sd
    if factor is None or mean is None or bins is None or not old:
        return True
    step = factor * mean + candidate.offset - mean
    spread = math.sqrt((1 - share + share * factor**2) * old**2 + share * (1 - share) * step**2)
    scale = factor if share == 1.0 else max(abs(factor), 1.0)
    if not mean_fits(seen, mean + share * step, scale, spread):
        return False
    new = seen.now.side.sd
    far = abs(mean + step - bins.origin) > _SQUARES_END * bins.quantum or spread < _SPREAD_QUANTA * bins.quantum
    return far or (bool(new) and abs(math.log(float(new or 1) / spread)) <= _spread_slack(seen))


def _spread_slack(seen: Seen) -> float:
    return _SPREAD_SLACK + 1.5 * seen.usual_spread + _SPREAD_NOISE / math.sqrt(seen.now.values)


def _is_no_population(seen: Seen, candidate: _Candidate) -> bool:
    """Say whether a scale that belongs to no known unit is none that a population would make."""
    if candidate.factor is None:
        return False
    if candidate.offset == 0.0 and not 1 / _LARGE < candidate.factor < _LARGE:
        return True
    return off_grid(seen, lattice=True) and abs(math.log(candidate.factor)) > _LEAST_LOG


def _told(seen: Seen, fit: _Fit, apart: float, class_: Class) -> Found:
    candidate = fit.candidate
    part = "" if fit.share == 1.0 else f" in {fit.share:.0%} of rows"
    line = "" if candidate.factor is None else f", {factor_words(candidate.factor)}{_offset_words(candidate.offset)}"
    verb = "is now" if class_ is Class.DATA_FAULT else "may be"
    said = f"{seen.name} {verb} in {candidate.now or 'another unit'}"
    detail = f"{said}{line}{part}: {candidate.what}" if candidate.named else f"{said}{line}{part}"
    proof = fit.share == 1.0 or (seen.numbers is not None and bool(lone_values(seen.numbers, seen.before)))
    sure = min(1 - fit.left / apart, 1.0 if proof else _MOST_OF_A_PART)
    return Found("unit_change", seen.name, detail, candidate.factor, confidence=sure, class_=class_)


def factor_words(factor: float) -> str:
    """Return a factor as people write it.

    >>> factor_words(1.609344), factor_words(0.001)
    ('x1.609', 'x0.001')
    """
    return f"x{factor:.4g}"


def _offset_words(offset: float) -> str:
    if not offset:
        return ""
    return f" and {'+' if offset > 0 else '-'}{abs(offset):.4g}"
