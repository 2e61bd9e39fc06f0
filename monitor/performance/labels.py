"""Computing of rows with several labels, where there are any."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monitor.performance.answers import Found, told
from monitor.performance.metric import Undefined, Value
from monitor.performance.pairs import LabelPairs


def of_labels(measure: Callable[[LabelPairs], Found]) -> Callable[[LabelPairs, np.random.Generator], Value]:
    """Compute a metric from rows of which there is one at least."""

    def compute(pairs: LabelPairs, _: np.random.Generator) -> Value:
        return told(measure(pairs) if len(pairs.targets) else Undefined.TOO_FEW_ROWS)

    return compute
