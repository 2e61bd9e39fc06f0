"""All fairness measures by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from monitor.fairness import (
    calibration_by_group,
    demographic_parity,
    equal_opportunity,
    equalised_odds,
    predictive_parity,
    score_drift_by_group,
)
from monitor.fairness.measure import Measure

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        module.MEASURE.name: module.MEASURE
        for module in (
            calibration_by_group,
            demographic_parity,
            equal_opportunity,
            equalised_odds,
            predictive_parity,
            score_drift_by_group,
        )
    }
)
