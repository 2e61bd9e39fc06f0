"""Ways to compare a column with its reference: one method a file, all of them here by name."""

from __future__ import annotations

from monitor.drift import (
    chi_squared,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    population_stability,
    wasserstein,
)
from monitor.drift.method import CATEGORIES, NUMBERS, Method

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        chi_squared,
        hellinger,
        jensen_shannon,
        kolmogorov_smirnov,
        population_stability,
        wasserstein,
    )
}

__all__ = ["CATEGORIES", "METHODS", "NUMBERS", "Method"]
