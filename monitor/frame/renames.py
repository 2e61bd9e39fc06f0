"""Columns that are gone, and the new ones that hold what they held: probably the same under another name.

A new column is a gone one's if its values, read as that one's kind, are spread as before: by no more than a small gap
and what sampling explains. Of several the nearest counts, a name that is alike being worth a little.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pyarrow as pa

from monitor.frame import kolmogorov
from monitor.frame.pairing import Pair, Shared, paired, values_of
from monitor.frame.parts import level_counts
from monitor.record import Kind

Json = dict[str, Any]
LEAST_ROWS = 100
"""With fewer values many columns look alike."""
_GAP = 0.05
"""So far apart, a share of the rows, two files may be anyhow."""
_SURE = 1.95
"""The law of Kolmogorov and Smirnov passes it once in a thousand times."""
_NAME = 0.05
"""What a wholly equal name would be worth, as a share of the rows."""


def renamed(reference: pa.Table, current: pa.Table, shared: Shared) -> list[Json]:
    """Return for gone columns the new one that each probably is: ``from``, ``to``, and the ``distance`` of both."""
    found = []
    for column in shared.gone:
        for name, path in shared.new.items():
            gap = _gap(paired(column, reference[column.path], current[path]))
            if gap is not None:
                alike = SequenceMatcher(None, column.name, name, autojunk=False).ratio()
                found.append((gap - _NAME * alike, column.name, name, gap))
    told: list[Json] = []
    for _, old, new, gap in sorted(found):
        if all(old != each["from"] and new != each["to"] for each in told):
            told.append({"from": old, "to": new, "distance": gap})
    return sorted(told, key=lambda each: str(each["from"]))


def _gap(pair: Pair) -> float | None:
    """Return how far apart two columns are, as the largest share of rows; ``None`` if they are not the same.

    Numbers and lengths of texts by Kolmogorov and Smirnov, categories by total variation; what is missing besides.
    """
    if pair.column.kind in (Kind.NUMERIC, Kind.TEXT):
        old, new = np.sort(values_of(pair.reference)), np.sort(values_of(pair.current))
        n, m, levels = len(old), len(new), 1
        gap = kolmogorov.distance(old, new) if n and m else 1.0
    elif pair.column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        before, after, _ = level_counts(pair)
        n, m, levels = int(before[:-1].sum()), int(after[:-1].sum()), len(before) - 1
        gap = float(np.abs(before[:-1] / max(n, 1) - after[:-1] / max(m, 1)).sum() / 2)
    else:
        return None
    if min(n, m) < LEAST_ROWS:
        return None
    missing = abs(n / len(pair.reference) - m / len(pair.current))
    luck = _SURE * (levels * (1 / n + 1 / m)) ** 0.5
    return gap if gap <= _GAP + min(luck, 2 * _GAP) and missing <= 2 * _GAP else None
