"""Ways to compare a column with its reference: one method a file, all of them here by name."""

from __future__ import annotations

from monitor.drift import (
    anderson_darling,
    chi_squared,
    cramer_von_mises,
    energy,
    g_test,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    kullback_leibler,
    l_infinity,
    mann_whitney,
    population_stability,
    total_variation,
    two_proportion_z,
    wasserstein,
    welch_t,
)
from monitor.drift.method import CATEGORIES, NUMBERS, Method

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        anderson_darling,
        chi_squared,
        cramer_von_mises,
        energy,
        g_test,
        hellinger,
        jensen_shannon,
        kolmogorov_smirnov,
        kullback_leibler,
        l_infinity,
        mann_whitney,
        population_stability,
        total_variation,
        two_proportion_z,
        wasserstein,
        welch_t,
    )
}

__all__ = ["CATEGORIES", "METHODS", "NUMBERS", "Method"]
