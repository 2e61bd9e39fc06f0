"""What two versions predicted in a stretch, from the counts of its panes: where no answer is kept, record by record."""

from __future__ import annotations

from monitor.bins import CategoryBins, NumericBins
from monitor.calibration.difference import Side
from monitor.pipeline.figures import MOST_CLASSES
from monitor.profile import Binning, Profile
from monitor.record import Column, Role


def counted_predictions(binning: Binning, profile: Profile, positive: str | None = None) -> dict[str, Side]:
    """Return what was predicted, by class, as :func:`monitor.pipeline.figures.predicted` does of kept answers.

    Scores count before predictions, as a mean has less chance in it than a share.

    Parameters
    ----------
    positive: the class that a single score is the probability of; ``None`` where that is not known: its column's name.

    Returns
    -------
    By class the sum of its scores, or how often it was predicted; "" for the sum of a number that is predicted.
    """
    scores = dict[str, Side]()
    shares = dict[str, Side]()
    for place, (watched, cells) in enumerate(binning.spans()):
        column, rows = watched.column, int(profile.rows - profile.absent[place])
        if not rows:
            continue
        if isinstance(watched.bins, NumericBins):
            side = Side(watched.bins.origin * rows + watched.bins.quantum * int(profile.sums[place]), rows)
            if column.role is Role.SCORE:
                scores[_class_of(column, positive)] = side
            elif column.role is Role.PREDICTION:
                shares[""] = side
        elif isinstance(watched.bins, CategoryBins) and column.role is Role.PREDICTION:
            named = dict(zip(watched.bins.levels, profile.counts[cells].tolist(), strict=False))
            shares |= {level: Side(float(count), rows) for level, count in _told(named).items()}
    return scores or shares


def _class_of(column: Column, positive: str | None) -> str:
    name = column.name.removeprefix("score.")
    return positive if positive is not None and name == "score" else name


def _told(named: dict[str, int]) -> dict[str, int]:
    """Return the classes that are compared: of two one says all, and of many each would have too little of alpha."""
    if len(named) > MOST_CLASSES:
        return {}
    return {max(named): named[max(named)]} if len(named) == 2 else named  # noqa: PLR2004 - two classes
