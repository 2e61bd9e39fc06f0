"""Which groups are to be treated alike, and how far apart they may be."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from monitor.settings import Settings

MeasureName: TypeAlias = Literal[
    "calibration_by_group",
    "demographic_parity",
    "equal_opportunity",
    "equalised_odds",
    "predictive_parity",
    "score_drift_by_group",
]
_Limit: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FairnessSettings(Settings):
    """Groups of records that a model of two classes is to treat alike."""

    columns: list[str] = Field(default_factory=list, description="features whose values are the groups")
    measures: list[MeasureName] | None = Field(None, description="what is measured; unset: all that the log allows")
    at_most: dict[MeasureName, _Limit] = Field(
        default_factory=dict, description="the largest difference that is no alert, by measure; others never alert"
    )

    @model_validator(mode="after")
    def _limits_are_of_what_is_measured(self) -> Self:
        unmeasured = [name for name in self.at_most if self.measures is not None and name not in self.measures]
        if unmeasured:
            raise ValueError(f"at_most names {unmeasured[0]}, which measures does not")
        if self.at_most and not self.columns:
            raise ValueError("at_most needs columns: the features whose values are the groups")
        return self
