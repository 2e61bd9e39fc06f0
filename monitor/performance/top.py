"""The rows that are scored highest, a given share of all, and what part of the positive ones is among them.

Where rows with one score are but partly within the share, each of them is within it for that part. With G the gain at
the share q, t the lowest score within it and r(t) the share of positive rows around t, the influence of a row with
target y and score s is

    (y (1[s >= t] - G) - r(t) (1[s >= t] - q)) / E[y]

by differentiating at the empirical distribution, where t moves too.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Scored
from monitor.performance.interval import Floats
from monitor.performance.ranks import ranked

_AROUND = 0.5
"""r(t) is of so many times n^0.8 rows on either side of t: near enough to be local, and enough to be steady."""


def gain_parts(rows: Scored, share: float) -> tuple[float, Floats]:
    """Return the gain of a binary model at a share in (0, 1], and the influence of each row, (n,); one is positive."""
    positive = rows.targets == 1
    found = ranked(rows.scores, positive)
    number, positives = len(positive), float(found.positives.sum())
    above = np.cumsum(found.rows)
    within = np.clip((share * number - above + found.rows) / found.rows, 0, 1)
    gain = min(float(found.positives @ within) / positives, 1.0)
    inside = within[found.group]
    near = _share_near(found.rows, found.positives, share)
    influences = (positive * (inside - gain) - near * (inside - share)) * number / positives
    return gain, influences


def _share_near(rows: Floats, positives: Floats, share: float) -> float:
    """Return the share of positive rows around the last one within the top."""
    number = float(rows.sum())
    reach = _AROUND * number**0.8
    above = np.cumsum(rows)
    low, high = max(share * number - reach, 0.0), min(share * number + reach, number)
    part = np.clip((high - above + rows) / rows, 0, 1) - np.clip((low - above + rows) / rows, 0, 1)
    return float(positives @ part) / float(rows @ part)


def checked(share: float) -> None:
    """Refuse a share of rows that is none.

    Raises
    ------
    ValueError: it is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError("a share of rows is more than 0 and at most 1")
