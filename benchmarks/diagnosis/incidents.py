"""Incidents whose cause is known: a fault put into the rows of a real set, or rows drawn so that another population is.

Faults change values. Populations are made of rows as they are: rows of the set itself, drawn again with other chances,
so that all that goes with a value comes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from benchmarks.drift.sheet import Sheet
from monitor.calibration.arrays import Floats, Ints

FAULT, POPULATION = "data_fault", "population_change"
MANY = 30
"""A number has at least so many values to be clipped, rounded or tilted."""
UNITS = ((1.609344, 0.0), (0.3048, 0.0), (100.0, 0.0), (0.001, 0.0), (1.8, 32.0), (3.6, 0.0), (0.45359237, 0.0))
_LOW, _HIGH = 0.1, 0.9
_TAIL, _REST = 0.05, 0.85
"""A bound cuts off at least the first share, and leaves at least the second."""
_LEVEL, _MOST, _APART = 0.05, 0.9, 0.1
"""A category that is renamed has such a share, and one that it is exchanged with differs by the last."""
_ALIKE = 1.3
_HOURS, _DAY = 12, 24

Change = Callable[[Sheet, np.random.Generator], Sheet]
Weigh = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """What happens to the rows after some step, and what it is to be called.

    ``kinds``: names of the cause that are right, the first the one it was made for.
    """

    label: str
    column: str
    class_: str
    kinds: tuple[str, ...]
    change: Change


def incidents(reference: Sheet) -> Iterator[Incident]:
    """Yield every incident that the columns of a set allow."""
    numbers = [name for name in reference.numeric if len(np.unique(_values(reference, name))) >= MANY]
    for place, name in enumerate(numbers):
        yield from _units(name, place)
        yield from _of_number(reference, name)
        yield from _populations(reference, name)
    for first, second in pairwise(numbers):
        if _differ(reference, first, second):
            yield _fault(f"swapped with {second}", first, "swapped_columns", _swap(first, second))
    for name in reference.columns:
        yield _fault("30 % missing", name, "missing_surge", _share(name, 0.3, np.nan))
        yield _fault("column gone", name, "schema_change", _share(name, 1.0, np.nan))
    for name in reference.levels:
        yield from _of_category(reference, name)
    for name in reference.numeric:
        if _is_hour(_values(reference, name)):
            yield _fault("five hours later", name, "time_zone", _clock(name, 5))
            yield _fault("an hour earlier", name, "time_zone", _clock(name, -1))


def _fault(label: str, column: str, kind: str, change: Change) -> Incident:
    return Incident(label, column, FAULT, (kind,), change)


def _units(name: str, place: int) -> Iterator[Incident]:
    for factor, offset in (UNITS[place % len(UNITS)], UNITS[(place + 3) % len(UNITS)]):
        yield _fault(f"unit {factor:g}", name, "unit_change", _line(name, factor, offset))
    yield _fault("unit 1.609 in half", name, "unit_change", _line(name, 1.609344, 0.0, 0.5))


def _of_number(reference: Sheet, name: str) -> Iterator[Incident]:
    values = _values(reference, name)
    low, middle, high = (float(x) for x in np.quantile(values, [_LOW, 0.5, _HIGH]))
    yield _fault("stuck", name, "constant", _share(name, 1.0, middle))
    yield _fault("default 999999", name, "default_value", _share(name, 0.1, 999999.0))
    yield _fault("default -1", name, "default_value", _share(name, 0.2, -1.0 if low >= 0 else -999.0))
    if (values < high).mean() > _REST and (values > high).mean() > _TAIL:
        yield _fault("clipped above", name, "clipping", _each(name, lambda v: np.minimum(v, high)))
    if (values > low).mean() > _REST and (values < low).mean() > _TAIL:
        yield _fault("clipped below", name, "clipping", _each(name, lambda v: np.maximum(v, low)))
    step = 10.0 ** float(np.ceil(np.log10((high - low) / MANY))) if high > low else 0.0
    if step and not np.isclose(values, np.rint(values / step) * step).mean() > 1 / 2:
        yield _fault(f"rounded to {step:g}", name, "rounding", _each(name, lambda v: np.rint(v / step) * step))


def _populations(reference: Sheet, name: str) -> Iterator[Incident]:
    centre, spread = float(_values(reference, name).mean()), float(_values(reference, name).std())

    def more(values: Floats) -> Floats:
        return np.exp(np.clip((values - centre) / spread, -3, 3))

    def less(values: Floats) -> Floats:
        return 1 / more(values)

    def wider(values: Floats) -> Floats:
        return np.exp(np.clip((values - centre) / spread, -2.5, 2.5) ** 2 / 2)

    for label, weigh, kinds in (
        ("more of high values", more, ("shift", "spread")),
        ("more of low values", less, ("shift", "spread")),
        ("more of both ends", wider, ("spread", "shift")),
    ):
        yield Incident(label, name, POPULATION, kinds, _tilt(name, weigh))


def _of_category(reference: Sheet, name: str) -> Iterator[Incident]:
    counts = np.bincount(_values(reference, name).astype(np.intp), minlength=len(reference.levels[name]))
    shares = counts / counts.sum()
    order = np.argsort(-shares, kind="stable")
    new, top = float(len(order)), float(order[0])
    yield _fault("all in another encoding", name, "relabelled", _share(name, 1.0, new))
    yield _fault("a tenth new", name, "new_category", _share(name, 0.1, new))
    if _LEVEL < shares[order[0]] < _MOST:
        yield _fault("renamed to a new one", name, "relabelled", _recode(name, {top: new}))
    if len(order) > 1 and shares[order[1]] > _LEVEL and shares[order[0]] - shares[order[1]] > _APART:
        second = float(order[1])
        yield _fault("two exchanged", name, "relabelled", _recode(name, {top: second, second: top}))
        # The same counts, but for how many rows there are in all, where the other is most of what is left.
        alike = 1 - shares[order[1]] < shares[order[0]] * _ALIKE
        either = ("relabelled", "gone_silent") if alike else ("relabelled",)
        yield Incident("renamed to another", name, FAULT, either, _recode(name, {second: top}))
        either = ("gone_silent", "relabelled") if alike else ("gone_silent",)
        yield Incident("one silent", name, FAULT, either, _drop(name, second))
        mix = _tilt(name, lambda values: np.where(values == second, 4.0, 1.0))
        yield Incident("four times as much of one", name, POPULATION, ("mix",), mix)


def _values(sheet: Sheet, name: str) -> Floats:
    values = sheet.columns[name]
    return values[~np.isnan(values)]


def _is_hour(values: Floats) -> bool:
    whole = bool(np.array_equal(values, np.rint(values)))
    return whole and values.min() >= 0 and values.max() < _DAY and len(np.unique(values)) >= _HOURS


def _differ(sheet: Sheet, first: str, second: str) -> bool:
    """Say whether two columns are unlike enough for an exchange to be one."""
    a, b = (np.quantile(_values(sheet, name), [0.25, 0.5, 0.75]) for name in (first, second))
    return bool(np.abs(a - b).max() > max(a[2] - a[0], b[2] - b[0]) / 2)


def _each(name: str, change: Callable[[Floats], Floats]) -> Change:
    return lambda sheet, _: sheet.having(**{name: change(sheet.columns[name])})


def _clock(name: str, hours: int) -> Change:
    return _each(name, lambda values: (values + hours) % _DAY)


def _line(name: str, factor: float, offset: float, share: float = 1.0) -> Change:
    def change(sheet: Sheet, rng: np.random.Generator) -> Sheet:
        values = sheet.columns[name]
        return sheet.having(**{name: np.where(rng.random(len(values)) < share, values * factor + offset, values)})

    return change


def _share(name: str, share: float, value: float) -> Change:
    def change(sheet: Sheet, rng: np.random.Generator) -> Sheet:
        values = sheet.columns[name]
        meant = (rng.random(len(values)) < share) & (np.isnan(value) | ~np.isnan(values))
        return sheet.having(**{name: np.where(meant, value, values)})

    return change


def _swap(first: str, second: str) -> Change:
    return lambda sheet, _: sheet.having(**{first: sheet.columns[second], second: sheet.columns[first]})


def _recode(name: str, codes: Mapping[float, float]) -> Change:
    def change(values: Floats) -> Floats:
        return np.select(
            [values == old for old in codes], [np.full(len(values), new) for new in codes.values()], values
        )

    return _each(name, change)


def _drop(name: str, level: float) -> Change:
    return lambda sheet, _: _taken(sheet, np.flatnonzero(sheet.columns[name] != level))


def _tilt(name: str, weigh: Weigh) -> Change:
    """Draw rows anew from all rows of the stretch, with chances by a value."""

    def change(sheet: Sheet, rng: np.random.Generator) -> Sheet:
        values = sheet.columns[name]
        weights = weigh(np.where(np.isnan(values), np.nanmedian(values), values))
        drawn = rng.choice(len(values), len(values), p=weights / weights.sum())
        return replace(_taken(sheet, drawn), step=sheet.step)

    return change


def _taken(sheet: Sheet, rows: Ints) -> Sheet:
    return replace(sheet, columns={name: values[rows] for name, values in sheet.columns.items()}, step=sheet.step[rows])
