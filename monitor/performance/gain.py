"""Gain at a share: what part of the positive rows is among that share of all rows that is scored highest."""

from __future__ import annotations

from monitor.performance.answers import Found, Scored, of_scores, value_of
from monitor.performance.interval import LOGIT, delta_bounds, unseen
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.top import checked, gain_parts

DEFAULT_SHARE = 0.1


def gain_of(rows: Scored, share: float) -> Found:
    """Return the gain of a binary model at a share in (0, 1]."""
    positives = int((rows.targets == 1).sum())
    if not positives:
        return Undefined.NO_POSITIVES
    value, influences = gain_parts(rows, share)
    if value in LOGIT.ends:
        return value_of(value, unseen(value, positives, LOGIT.ends), len(influences))
    return value_of(value, delta_bounds(value, influences, LOGIT), len(influences))


def gain(share: float) -> Metric:
    """Return the metric at a share.

    Raises
    ------
    ValueError: the share is not in (0, 1].
    """
    checked(share)
    return Metric(
        name=f"gain_at_{share:g}",
        title=f"Gain at {share:g}",
        tasks=frozenset({"binary"}),
        needs=frozenset({"score"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about="What part of the positive rows is among that share of all rows that is scored highest.",
        interval="the delta method on the logit",
        source="Provost and Fawcett 2013, Data Science for Business, chapter 8",
        undefined=frozenset({Undefined.NO_SCORES, Undefined.NO_POSITIVES}),
        compute=of_scores(lambda rows: gain_of(rows, share)),
    )


METRIC = gain(DEFAULT_SHARE)
