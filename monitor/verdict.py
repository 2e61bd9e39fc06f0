"""The verdict on a window: one of four words, and always a reason."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What is said of a column or a window; unknown is never folded into fine."""

    STABLE = "stable"
    DRIFTED = "drifted"
    INSUFFICIENT_DATA = "insufficient_data"
    FAILED = "failed"


class Why(StrEnum):
    """Why a verdict is what it is."""

    EVIDENCE_OVER_THRESHOLD = "evidence_over_threshold"
    EVIDENCE_UNDER_THRESHOLD = "evidence_under_threshold"
    ALERT_FIRING = "alert_firing"
    DISTANCE_OVER_THRESHOLD = "distance_over_threshold"
    DISTANCE_UNDER_THRESHOLD = "distance_under_threshold"
    RULE_BROKEN = "rule_broken"
    RULE_KEPT = "rule_kept"
    RULES_KEPT = "rules_kept"
    RULE_PENDING = "rule_pending"
    NO_RECORDS = "no_records"
    TOO_FEW_ROWS = "too_few_rows"
    NO_VALUES = "no_values"
    NO_REFERENCE = "no_reference"
    NO_TIMESTAMPS = "no_timestamps"
    REFERENCE_TOO_SHORT = "reference_too_short"
    METHOD_FAILED = "method_failed"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    STEP_NOT_OVER = "step_not_over"
    CLASSIFIER_TIMED_OUT = "classifier_timed_out"
    NOT_INSTALLED = "not_installed"


CHILD_WHYS = (Why.METHOD_FAILED, Why.TIME_LIMIT, Why.MEMORY_LIMIT, Why.NOT_INSTALLED)
"""Why a column that a child process judges may have failed."""


def window_verdict(
    *,
    rows: int,
    least: int,
    evidence: float | None,
    threshold: float | None,
    firing: bool,
    ruled: tuple[Verdict, Why] | None = None,
    short: bool = False,
) -> tuple[Verdict, Why]:
    """Return the verdict on a window and its reason.

    Parameters
    ----------
    rows, least: records in the window, and the fewest that are judged.
    evidence, threshold: of the decision engine; ``None`` where it could not be compiled.
    firing: whether a drift alert fires after this window.
    ruled: what the rules say, where every column has its fixed rule, so that there is no engine.
    short: whether the reference is too short to know how much windows vary: then none is called stable.

    >>> window_verdict(rows=0, least=10, evidence=0.0, threshold=60.0, firing=False)
    (<Verdict.INSUFFICIENT_DATA: 'insufficient_data'>, <Why.NO_RECORDS: 'no_records'>)
    """
    if rows == 0:
        return Verdict.INSUFFICIENT_DATA, Why.NO_RECORDS
    if evidence is None or threshold is None:
        other = ruled or (Verdict.INSUFFICIENT_DATA, Why.NO_TIMESTAMPS)
        return (Verdict.DRIFTED, Why.ALERT_FIRING) if firing else other
    if evidence >= threshold:
        return Verdict.DRIFTED, Why.EVIDENCE_OVER_THRESHOLD
    if firing:
        return Verdict.DRIFTED, Why.ALERT_FIRING
    if rows < least or short:
        return Verdict.INSUFFICIENT_DATA, Why.TOO_FEW_ROWS if rows < least else Why.REFERENCE_TOO_SHORT
    return Verdict.STABLE, Why.EVIDENCE_UNDER_THRESHOLD
