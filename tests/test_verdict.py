"""The verdict on a window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.verdict import Verdict, Why, window_verdict

STABLE, DRIFTED, UNKNOWN = Verdict.STABLE, Verdict.DRIFTED, Verdict.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("rows", "evidence", "threshold", "firing", "expected"),
    [
        (0, 0.0, 60.0, False, (UNKNOWN, Why.NO_RECORDS)),
        (0, 99.0, 60.0, True, (UNKNOWN, Why.NO_RECORDS)),
        (9, 0.0, 60.0, False, (UNKNOWN, Why.TOO_FEW_ROWS)),
        (9, 60.0, 60.0, False, (DRIFTED, Why.EVIDENCE_OVER_THRESHOLD)),
        (9, 1.0, 60.0, True, (DRIFTED, Why.ALERT_FIRING)),
        (10, 59.9, 60.0, False, (STABLE, Why.EVIDENCE_UNDER_THRESHOLD)),
        (10, 60.0, 60.0, False, (DRIFTED, Why.EVIDENCE_OVER_THRESHOLD)),
        (10, 59.9, 60.0, True, (DRIFTED, Why.ALERT_FIRING)),
        (10, None, None, False, (UNKNOWN, Why.NO_TIMESTAMPS)),
        (10, 0.0, None, False, (UNKNOWN, Why.NO_TIMESTAMPS)),
    ],
)
def test_each_verdict_has_its_reason(
    rows: int, evidence: float | None, threshold: float | None, firing: bool, expected: tuple[Verdict, Why]
) -> None:
    """Ten rows are the least that is judged."""
    found = window_verdict(rows=rows, least=10, evidence=evidence, threshold=threshold, firing=firing)
    assert found == expected


@given(
    st.integers(0, 20),
    st.none() | st.floats(0, 100),
    st.none() | st.floats(1, 100),
    st.booleans(),
)
def test_the_unknown_is_never_stable(rows: int, evidence: float | None, threshold: float | None, firing: bool) -> None:
    """A window is called stable only if it had rows enough, an engine, and evidence under the threshold."""
    verdict, _ = window_verdict(rows=rows, least=10, evidence=evidence, threshold=threshold, firing=firing)
    if verdict is Verdict.STABLE:
        assert rows >= 10
        assert evidence is not None
        assert threshold is not None
        assert evidence < threshold
        assert not firing


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (0.0, (Verdict.INSUFFICIENT_DATA, Why.REFERENCE_TOO_SHORT)),
        (60.0, (Verdict.DRIFTED, Why.EVIDENCE_OVER_THRESHOLD)),
    ],
)
def test_a_short_reference_calls_nothing_stable(evidence: float, expected: tuple[Verdict, Why]) -> None:
    """Where the reference cannot know how much windows vary, calm is unknown; evidence is shown all the same."""
    found = window_verdict(rows=10, least=10, evidence=evidence, threshold=60.0, firing=False, short=True)
    assert found == expected
