"""A reference by steps in time: what its profile is in each, profiled in runs so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.folds import fold_counts
from monitor.instant import microseconds
from monitor.profile import Binning, Integers, Profile, profile_rows
from monitor.step_facts import StepFacts, joined_facts, step_facts
from monitor.window import WindowSettings, join_steps

_CELLS_AT_ONCE = 2_000_000
"""Counts held at one time while the reference is profiled by steps: 16 MB."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The reference by steps, in time; B steps, F columns.

    Attributes
    ----------
    times: the number of each step's last stretch of length ``every`` since 1970, int64 (B,).
    rows: int64 (B,).
    counts: for each column, rows by coarse bin, int64 (B, bins).
    missing: int64 (B, F).
    facts: what else the steps show of the data's quality.
    """

    times: Integers = field(repr=False)
    rows: Integers = field(repr=False)
    counts: tuple[Integers, ...] = field(repr=False)
    missing: Integers = field(repr=False)
    facts: StepFacts = field(repr=False)


def reference_steps(
    table: pa.Table,
    times: NDArray[np.int64],
    binning: Binning,
    folds: Sequence[NDArray[np.intp] | None],
    window: WindowSettings,
    fine_names: Collection[str],
) -> tuple[Steps, dict[str, Integers]]:
    """Profile rows by steps.

    Parameters
    ----------
    table: rows in order of time; ``times`` theirs, microseconds, shape (n,).
    folds: for each column the coarse bin of each cell. ``fine_names``: of which columns the cells are kept by step.

    Returns
    -------
    The steps, and counts (B, cells) of those columns.
    """
    number = times // microseconds(window.every)
    stretches, first = np.unique(number, return_index=True)
    joined = join_steps(np.diff(np.append(first, len(times))), window.min_rows)
    coarse: list[list[Integers]] = [[] for _ in folds]
    fine: dict[str, list[Integers]] = {name: [] for name in fine_names}
    rows, missing, facts = [], [], []
    for a, b in _spans(len(joined) - 1, binning.offsets[-1]):
        profiles = _profiled(table, number, stretches, joined, (a, b), binning)
        rows += [profile.rows for profile in profiles]
        missing += [profile.absent for profile in profiles]
        facts.append(step_facts(profiles, binning))
        for place, (watched, span) in enumerate(binning.spans()):
            cells = np.stack([profile.counts[span] for profile in profiles])
            coarse[place].append(fold_counts(cells, folds[place]))
            if watched.column.name in fine:
                fine[watched.column.name].append(cells.astype(np.min_scalar_type(int(cells.max(initial=0)))))
    counts = tuple(np.concatenate(parts) for parts in coarse)
    steps = Steps(stretches[joined[1:] - 1], np.array(rows, np.int64), counts, np.stack(missing), joined_facts(facts))
    return steps, {name: np.concatenate(parts) for name, parts in fine.items()}


def _spans(steps: int, cells: int) -> list[tuple[int, int]]:
    """Cut the steps into runs that are profiled at once, so that memory stays bounded."""
    at_once = max(_CELLS_AT_ONCE // max(cells, 1), 1)
    return [(a, min(a + at_once, steps)) for a in range(0, steps, at_once)]


def _profiled(
    table: pa.Table,
    number: NDArray[np.int64],
    stretches: NDArray[np.int64],
    joined: NDArray[np.intp],
    run: tuple[int, int],
    binning: Binning,
) -> list[Profile]:
    a, b = run
    start = int(np.searchsorted(number, stretches[joined[a]]))
    end = int(np.searchsorted(number, stretches[joined[b] - 1], side="right"))
    place = np.searchsorted(stretches, number[start:end])
    step = np.searchsorted(joined, place, side="right") - 1 - a
    return counted(table.slice(start, end - start), binning, step.astype(np.intp), b - a)


def counted(table: pa.Table, binning: Binning, panes: NDArray[np.intp], number: int) -> list[Profile]:
    """Profile rows of the reference; in a derived column NaN marks one that was learnt from, which is not missing."""
    own = np.array([watched.column.parent is None for watched in binning.columns])
    profiles = profile_rows(table, binning, panes, number)
    return [replace(profile, nonfinite=profile.nonfinite * own) for profile in profiles]
