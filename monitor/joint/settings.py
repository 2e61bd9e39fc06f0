"""How much is watched of what no single column shows."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import Settings


class JointSettings(Settings):
    """How drift is watched that no single column shows."""

    columns: int = Field(0, ge=0, le=200, description="most columns that take part, such as 24; 0: none is watched")
    pairs: int = Field(24, ge=0, le=200, description="most pairs of columns whose dependence is watched by itself")
