"""The profile of a stretch: the sum of its panes, of a version or of one of its segments."""

from __future__ import annotations

from monitor.instant import Instant
from monitor.pipeline.model import Model
from monitor.profile import Binning, Profile, empty_profile


def stretch_profile(
    model: Model, name: str, binning: Binning, span: tuple[Instant, Instant], label: str | None = None
) -> Profile:
    """Return the profile of the rows of [start, end).

    Parameters
    ----------
    name: of the version. ``binning``: of its reference. ``label``: of its segment; ``None`` for all rows.
    """
    total: Profile | None = None
    for at in range(*span, model.plan.window.pane):
        key = (name, at)
        pane = model.panes.get(key) if label is None else model.part_panes.get(key, {}).get(label)
        if pane is not None:
            total = pane if total is None else total + pane
    return empty_profile(binning) if total is None else total
