"""The share of right rows among the rows of each class, and its mean over the classes that have any."""

from __future__ import annotations

from monitor.performance.answers import Counts, value_of
from monitor.performance.interval import mean_of_shares, wilson
from monitor.performance.metric import Undefined, Value

POSITIVE = 1
"""The place of the positive class of two."""


def share_of(counts: Counts, place: int, among: int, otherwise: Undefined) -> Value | Undefined:
    """Return the share of a class's right rows among so many rows, or why there is none; counts are (k, k)."""
    right = int(counts[place, place])
    return value_of(right / among, wilson(right, among), int(counts.sum())) if among else otherwise


def mean_share(counts: Counts, among: Counts) -> Value:
    """Return the mean of the shares of the classes that have rows, of which there is one; counts (k, k), among (k,)."""
    parts = [(int(counts[place, place]), int(size)) for place, size in enumerate(among) if size]
    mean = sum(hits / rows for hits, rows in parts) / len(parts)
    return value_of(mean, mean_of_shares(parts), int(counts.sum()))
