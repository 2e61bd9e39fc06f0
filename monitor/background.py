"""What some injections are measured by: how frequent a category is in the reference, and what was logged earlier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from monitor.bins import CategoryBins
from monitor.earlier import Earlier, read_earlier
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.references import References
from monitor.record import Column, Layout
from monitor.reference import Reference


@dataclass(frozen=True, slots=True)
class Background:
    """What some changes are measured by.

    Attributes
    ----------
    share: a category's share of the rows of a column in the reference.
    earlier: all that was logged of a column; called once, when first needed.
    """

    share: Callable[[Column, str], float]
    earlier: Callable[[Column], Earlier]


def background_of(references: References, plan: ModelPlan, layout: Layout) -> Background:
    """Return the background of a model; of several references the first that holds the column tells the share."""

    def share(column: Column, level: str) -> float:
        judges = [judge for name in references.known() if (judge := references.judge(name)) is not None]
        found = (share_of(judge.reference, column.name, level) for judge in judges)
        return next((each for each in found if each), 0.0)

    return Background(share, partial(read_earlier, plan, layout))


def share_of(reference: Reference, column: str, level: str) -> float:
    """Return a category's share of a reference's rows; 0 if it has no cell of its own there."""
    for watched, span in reference.binning.spans():
        bins = watched.bins
        if watched.column.name == column and isinstance(bins, CategoryBins) and level in bins.levels:
            return float(reference.profile.counts[span][bins.levels.index(level)] / reference.rows)
    return 0.0
