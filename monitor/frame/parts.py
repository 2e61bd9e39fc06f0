"""One column of two tables, tested: what its values say, and what its missing ones say.

A numeric column is tested twice, by Kolmogorov-Smirnov on its values and by the share that is missing, each at half
the level (Bonferroni), so that neither hides behind the other. Missing values of a category are one more level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.bins import Floats
from monitor.comparison import Effect, Histogram, Side, share_effect, shift_effect
from monitor.drift.kolmogorov_smirnov import METHOD as KOLMOGOROV_SMIRNOV
from monitor.frame import contingency, kolmogorov
from monitor.frame.pairing import Pair, values_of
from monitor.kinds import without_nan
from monitor.profile import Integers, texts

CHI_SQUARED = "chi_squared"
LEAST_SPREAD = 0.1
"""The least standard deviation that a share's tolerance is counted in: one of under 1 % has less, but as few care."""
LEVELS = 1000
"""So many levels, the most frequent of both tables together, are told apart; the others are one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One test of a column.

    Attributes
    ----------
    p_value: of this test alone, for exchangeable rows.
    critical: the least distance with a p-value of at most a level.
    least: the distance of an effect as large as its tolerance.
    of_missing: whether it tests the missing values of a numeric column.
    """

    method: str
    distance: float
    p_value: float
    critical: Callable[[float], float]
    least: float
    effect: Effect | None
    of_missing: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """A column's tests, and both sides in figures."""

    reference: Side
    current: Side
    tests: tuple[Part, ...]


def numeric_parts(pair: Pair, tolerance: float, least_rows: int) -> Parts:
    """Test a numeric column, or a text by its length.

    Parameters
    ----------
    tolerance: the least effect that matters, in standard units.
    least_rows: with fewer values on a side they are not tested.
    """
    old, new = np.sort(values_of(pair.reference)), np.sort(values_of(pair.current))
    n, m = len(old), len(new)
    sides = _side(len(pair.reference), old), _side(len(pair.current), new)
    tests = []
    if min(n, m) >= least_rows:
        gap = kolmogorov.distance(old, new)
        tests.append(
            Part(
                KOLMOGOROV_SMIRNOV.name,
                gap,
                kolmogorov.p_value(gap, n, m),
                lambda level: kolmogorov.critical(level, n, m),
                KOLMOGOROV_SMIRNOV.per_sd * tolerance,
                shift_effect(*sides),
            )
        )
    absent = len(pair.reference) - n, len(pair.current) - m
    if any(absent) and (n or m):
        counts = np.array([absent[0], n]), np.array([absent[1], m])
        tests.append(counted_part(*counts, tolerance, of_missing=True))
    return Parts(*sides, tuple(tests))


def category_parts(pair: Pair, tolerance: float) -> Parts:
    """Test a column of categories; missing values are a level of their own."""
    old, new, unseen = level_counts(pair)
    test = counted_part(old, new, tolerance)
    sides = [
        Side(rows, int(counts[-1]) / rows, int(counts[unseen].sum()) / rows, None, None)
        for rows, counts in ((len(pair.reference), old), (len(pair.current), new))
    ]
    return Parts(sides[0], sides[1], (test,) if old[:-1].sum() + new[:-1].sum() else ())


def counted_part(old: Integers, new: Integers, tolerance: float, *, of_missing: bool = False) -> Part:
    """Test counts by level, at least one row a side.

    The effect is the change of the share that changed most. An effect as large as its tolerance, of a change in the
    proportions of this one, would have a distance as much smaller as the effect is.
    """
    test = contingency.tested(old, new)
    effect = share_effect(Histogram(old[:-1], old[-1:].reshape(())), Histogram(new[:-1], new[-1:].reshape(())))
    place = int(np.argmax(np.abs(new / new.sum() - old / old.sum())))
    share = int(old[place]) / int(old.sum())
    needed = tolerance * max(LEAST_SPREAD, (share * (1 - share)) ** 0.5)
    size = abs(effect.value) if effect is not None else 0.0
    least = test.distance * (needed / size) if size else 0.0
    return Part(CHI_SQUARED, test.distance, test.p_value, test.critical, least, effect, of_missing)


def _side(rows: int, values: Floats) -> Side:
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = (float(finite.mean()), float(finite.std())) if len(finite) else (None, None)
    known = mean is not None and sd is not None and np.isfinite(mean) and np.isfinite(sd)
    return Side(rows, (rows - len(values)) / rows, 0.0, mean if known else None, sd if known else None)


def level_counts(pair: Pair) -> tuple[Integers, Integers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the rows in each level of both tables, the last being the missing, and which the reference has not."""
    both = [counted(array) for array in (pair.reference, pair.current)]
    total: dict[str, int] = {}
    for counts in both:
        for level, rows in counts.items():
            total[level] = total.get(level, 0) + rows
    order = sorted(total, key=lambda level: (-total[level], level))
    kept, others = order[:LEVELS], order[LEVELS:]
    absent = [
        len(array) - sum(counts.values()) for array, counts in zip((pair.reference, pair.current), both, strict=True)
    ]
    old, new = (
        np.array([*(counts.get(level, 0) for level in kept), sum(counts.get(level, 0) for level in others), gone])
        for counts, gone in zip(both, absent, strict=True)
    )
    unseen = np.array([*(level not in both[0] for level in kept), False, False])
    return old, new, unseen


def counted(array: pa.Array) -> dict[str, int]:
    """Return the rows of each category, by its text."""
    counted = pc.value_counts(without_nan(array).drop_null())
    return dict(zip(texts(counted.field("values")), counted.field("counts").to_pylist(), strict=True))
