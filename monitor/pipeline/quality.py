"""The ``quality`` alert: what of a window violates what is expected of its data.

A window with too few rows is not looked at: that nothing was seen in it says nothing.
"""

from __future__ import annotations

from typing import Any

from monitor.judge import Judge
from monitor.pipeline.model import Version
from monitor.pipeline.ruling import Finding
from monitor.profile import Profile
from monitor.quality import violations
from monitor.quality.words import RANKING, cause

Json = dict[str, Any]
NAME = "quality"
_MOST = 20
"""Causes told in one alert."""
_MOVED = 3
"""Columns whose rank is told."""


def window_violations(judge: Judge, profile: Profile, least_rows: int, sharing: int) -> list[Json]:
    """Return the ``quality_violations`` of a window; none where it has fewer than ``least_rows`` rows.

    Parameters
    ----------
    sharing: how many live versions share the budget.
    """
    if profile.rows < least_rows:
        return []
    return violations(judge.expected.held, profile, judge.quality_level / sharing)


def watch_quality(version: Version, window: Json, least_rows: int) -> Finding:
    """Return what the quality alert is to know of a closed window."""
    judged = version.judge is not None and version.judge.expected.held
    if not judged or window["rows"] < least_rows:
        return Finding(NAME, None)
    found = window["quality_violations"]
    columns = dict.fromkeys(each["column"] for each in found if each["column"] is not None)
    causes = [_told(cause(each), window) for each in found[:_MOST]]
    class_ = "data_fault" if any(each["check"] != RANKING for each in found) else "unclear"
    return Finding(NAME, bool(found), tuple(columns), {"class": class_, "causes": causes} if found else None)


def _told(said: Json, window: Json) -> Json:
    """Return a cause; that of a ranking names the columns whose part moved most."""
    moved = window["attributions"]["moved"] if said["kind"] == RANKING and window["attributions"] is not None else []
    named = [f"{each['column']} from {each['rank_before']} to {each['rank_now']}" for each in moved[:_MOVED]]
    return said | {"detail": f"{said['detail']}: {', '.join(named)}"} if named else said
