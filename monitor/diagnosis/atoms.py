"""The reference's values as atoms, one a cell, carried by a map into cells again: what a changed unit looks like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monitor.bins import Floats, NumericBins
from monitor.diagnosis.seen import Half, Seen

Map = Callable[[Floats], Floats]
_UNSEEN, _DENSE = 0.005, 3
"""Where a value and its neighbours stand in fewer rows than the second, others may lie between them unseen."""
_MOST_DECIMALS, _WHOLE, _EXACT = 6, 1e-4, 2.0**53
"""Values of more decimals are taken for measured without end."""
_MEAN_SLACK, _MEAN_NOISE = 1.5, 3.0
"""A mean may be off by so many times what steps differ in, and by so many standard errors."""


def carried(bins: NumericBins, before: Half, change: Map, into: NumericBins | None = None) -> Floats:
    """Return the shares by cell of the reference once a map has changed its values, (cells,).

    Parameters
    ----------
    into: other cells to count them in; the same ones otherwise.
    """
    into = bins if into is None else into
    full = np.flatnonzero(before.counts)
    with np.errstate(all="ignore"):
        values = change(bins.centres[full])
    known = np.isfinite(values)
    weights = before.counts[full][known].astype(np.float64)
    shares: Floats = np.bincount(into.cells(values[known]), weights=weights, minlength=into.size).astype(np.float64)
    shares /= max(weights.sum(), 1.0)
    return shares


def mean_fits(seen: Seen, expected: float | None, scale: float, spread: float | None = None) -> bool:
    """Say whether the mean lies where a map would have put it.

    Cells far outside the reference are wide and cannot tell 500 times from 1,000; the mean can.

    Parameters
    ----------
    expected: the mean to be. ``scale``: by how much the map stretches. ``spread``: the standard deviation to be,
        where it is not that of the stretched reference.
    """
    old, mean = seen.before.side, seen.now.side.mean
    if expected is None or mean is None or not old.sd:
        return True
    stretched = abs(scale) * old.sd
    chance = _MEAN_NOISE * (stretched if spread is None else spread) / np.sqrt(max(seen.now.values, 1))
    return bool(abs(mean - expected) <= _MEAN_SLACK * seen.usual_mean * stretched + chance)


def lone_values(bins: NumericBins, before: Half) -> bool:
    """Say whether each cell of the reference holds one value, and it has seen nearly all of them.

    The chance that the next row has a value that no row had is about the share of rows whose value is theirs alone.
    """
    full = np.flatnonzero(before.counts)
    beside = full[:-1][np.diff(full) == 1]
    if not len(beside) or (before.counts == 1).sum() > _UNSEEN * before.values:
        return False
    middle = bins.centres[beside] / 2 + bins.centres[beside + 1] / 2
    return bool(np.isclose(middle, bins.edges[beside], rtol=1e-9, atol=0).all())


def off_grid(seen: Seen, *, lattice: bool) -> bool:
    """Say whether the extremes lie between the values that the reference has, where it has few enough to tell.

    Zero tells nothing: a scale leaves it where it is. Nor does an extreme in a thin tail, where values are yet unseen,
    nor, with ``lattice`` or where many rows share what was measured once, such as the weather, one that lies on the
    lattice of all values: a population has values there that nobody has seen yet.
    """
    bins, before, now = seen.numbers, seen.before, seen.now
    if bins is None or not lone_values(bins, before):
        return False
    inside = [value for value in (now.least, now.greatest) if value and before.least <= value <= before.greatest]
    cells = bins.cells(np.array(inside)) if inside else ()
    return bool(inside) and not any(
        np.isclose(value, bins.centres[cell], rtol=1e-6, atol=0)
        or not _is_dense(before, int(cell))
        or ((lattice or seen.shared) and _on_lattice(bins.centres[before.counts > 0], value))
        for value, cell in zip(inside, cells, strict=True)
    )


def _is_dense(before: Half, cell: int) -> bool:
    """Say whether a cell and one beside it have enough rows for all values between them to be seen."""
    beside = before.counts[max(cell - 1, 0) : cell + 2]
    return bool(before.counts[cell] >= _DENSE and np.sort(beside)[-2:].min() >= _DENSE)


def _on_lattice(values: Floats, new: float) -> bool:
    """Say whether a value is a whole number of steps from others, in the largest step that all of them have.

    >>> _on_lattice(np.array([10.0, 20.0, 40.0]), 30.0), _on_lattice(np.array([10.0, 20.0, 40.0]), 16.09)
    (True, False)
    >>> _on_lattice(np.array([39.02, 39.92, 41.0]), 40.1)
    True
    """
    for decimals in range(_MOST_DECIMALS):
        whole = np.append(values, new) * 10.0**decimals
        if np.abs(whole).max() >= _EXACT:
            return False
        if np.isclose(whole[:-1], np.rint(whole[:-1]), rtol=0, atol=_WHOLE).all():
            steps = np.rint(whole - whole[0]).astype(np.int64)
            return bool(abs(whole[-1] - np.rint(whole[-1])) <= _WHOLE and steps[-1] % np.gcd.reduce(steps[:-1]) == 0)
    return False
