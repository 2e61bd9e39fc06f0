"""How much is watched of what no single column shows."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from monitor.settings import Duration, Settings, parse_duration


class JointSettings(Settings):
    """How drift is watched that no single column shows."""

    columns: int = Field(0, ge=0, le=200, description="most columns that take part, such as 24; 0: none is watched")
    pairs: int = Field(24, ge=0, le=200, description="most pairs of columns whose dependence is watched by itself")
    classifier: bool = Field(False, description="have a classifier tell each step from the reference")  # noqa: FBT003
    classifier_every: Duration = Field(
        parse_duration("1d"), ge=timedelta(days=1), le=timedelta(days=28), description="the length of its steps"
    )
