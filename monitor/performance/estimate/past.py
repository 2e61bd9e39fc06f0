"""How far estimates of the reference's own steps are from what those realised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.outlook import Columns, Outlook

LEAST_STEP_ROWS = 30
"""A step of fewer rows says next to nothing of an estimate."""
MOST_STEPS = 200
"""So many of the reference's steps, evenly chosen, are foretold."""


def reference_misses(
    outlooks: Callable[[Columns], dict[str, Outlook]],
    columns: Columns,
    realised: Callable[[Columns], dict[str, Outlook]],
    true: Columns,
    steps: NDArray[np.int64],
) -> dict[str, Misses]:
    """Return how far estimates of the reference's steps are from what they realised.

    Parameters
    ----------
    columns: of the reference, each row foretold by an estimator that has not seen its part.
    realised: what is realised, of the same columns with ``true`` ones in their place.
    """
    distinct, counts = np.unique(steps, return_counts=True)
    full = distinct[counts >= LEAST_STEP_ROWS]
    chosen = (
        full[np.unique(np.linspace(0, len(full) - 1, min(MOST_STEPS, len(full))).astype(np.intp))]
        if len(full)
        else full
    )
    errors: dict[str, list[tuple[float, float]]] = {name: [] for name in outlooks(columns)}
    for step in chosen:
        here = steps == step
        seen = outlooks({name: column[here] for name, column in columns.items()})
        came_true = realised({name: column[here] for name, column in {**columns, **true}.items()})
        for name, each in missed(seen, came_true).items():
            errors[name].append(each)
    return {name: Misses(*np.array(pairs).reshape(-1, 2).T) for name, pairs in errors.items()}


def missed(seen: Mapping[str, Outlook], realised: Mapping[str, Outlook]) -> dict[str, tuple[float, float]]:
    """Return the error and the variance of each metric that both have."""
    pairs = {}
    for name, true in realised.items():
        value = seen[name].value
        if value is not None and true.value is not None:
            pairs[name] = (true.value - value, seen[name].variance)
    return pairs
