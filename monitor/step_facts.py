"""What the reference's steps show of its data's quality: plain counts, beside the bins that drift is told by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.bins import CategoryBins
from monitor.profile import Binning, Integers, Profile


@dataclass(frozen=True, slots=True)
class StepFacts:
    """Counts by step; B steps, F columns, T tallies; each int64 (B, F) but ``tallies``, (B, T).

    Attributes
    ----------
    nonfinite: NaN and infinities.
    unseen: rows with a category that no other part of the reference holds.
    top: rows in the fullest cell. ``levels``: cells of categories that have a row.
    tallies: rows that break each tally's rule.
    repeated: of the sample of ids, records that are not the first of theirs, and all, int64 (B, 2).
    """

    nonfinite: Integers = field(repr=False)
    unseen: Integers = field(repr=False)
    top: Integers = field(repr=False)
    levels: Integers = field(repr=False)
    tallies: Integers = field(repr=False)
    repeated: Integers = field(repr=False)


def step_facts(profiles: Sequence[Profile], binning: Binning) -> StepFacts:
    """Return the facts of some steps."""
    unseen, top, levels = np.zeros((3, len(profiles), len(binning.columns)), np.int64)
    for place, (watched, span) in enumerate(binning.spans()):
        if not watched.size:
            continue
        cells = np.stack([profile.counts[span] for profile in profiles])
        top[:, place] = cells.max(axis=1)
        if isinstance(watched.bins, CategoryBins):
            unseen[:, place] = cells[:, watched.bins.unseen]
            levels[:, place] = (cells[:, : watched.bins.other] > 0).sum(axis=1)
    nonfinite = np.stack([profile.nonfinite for profile in profiles])
    tallies = np.stack([profile.tallies for profile in profiles])
    repeated = np.array([profile.ids.seen for profile in profiles], np.int64)
    return StepFacts(nonfinite, unseen, top, levels, tallies, repeated)


def joined_facts(parts: Sequence[StepFacts]) -> StepFacts:
    """Return the facts of all steps."""
    return StepFacts(
        np.concatenate([part.nonfinite for part in parts]),
        np.concatenate([part.unseen for part in parts]),
        np.concatenate([part.top for part in parts]),
        np.concatenate([part.levels for part in parts]),
        np.concatenate([part.tallies for part in parts]),
        np.concatenate([part.repeated for part in parts]),
    )
