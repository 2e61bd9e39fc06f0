"""Lift at a share: how many times more positive rows the rows that are scored highest have than all rows."""

from __future__ import annotations

from monitor.performance.answers import Found, Scored, of_scores, value_of
from monitor.performance.gain import DEFAULT_SHARE, gain_of
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.top import checked


def lift_of(rows: Scored, share: float) -> Found:
    """Return the lift of a binary model at a share in (0, 1]: its gain over the share."""
    found = gain_of(rows, share)
    if isinstance(found, Undefined) or found.value is None:
        return found
    bounds = None if found.lower is None or found.upper is None else (found.lower / share, found.upper / share)
    return value_of(found.value / share, bounds, found.rows)


def lift(share: float) -> Metric:
    """Return the metric at a share.

    Raises
    ------
    ValueError: the share is not in (0, 1].
    """
    checked(share)
    return Metric(
        name=f"lift_at_{share:g}",
        title=f"Lift at {share:g}",
        tasks=frozenset({"binary"}),
        needs=frozenset({"score"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1 / share,
        about="How many times more positive rows that share of rows which is scored highest has than all rows have.",
        interval="the delta method on the logit of the gain",
        source="Provost and Fawcett 2013, Data Science for Business, chapter 8",
        undefined=frozenset({Undefined.NO_SCORES, Undefined.NO_POSITIVES}),
        compute=of_scores(lambda rows: lift_of(rows, share)),
    )


METRIC = lift(DEFAULT_SHARE)
