"""What records say of the service around the model: errors, and what an inference used or cost.

Integers only, as in :mod:`monitor.profile`, so that they add up exactly over panes. Neither is a feature, and neither
has a part in drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.instant import Instant
from monitor.logbins import LogBins

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

ERROR = "error"
"""The canonical table's column of error codes; null where all went well."""
PREFIX = "resource:"
"""The canonical table's columns of resources start with it."""
RESOURCE_BINS = LogBins(1e9, 1.04, 1411)
"""From a billionth to 1e15, within 2 %."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_LIMBS = 3
_LARGEST = 2.0**50
"""Greater amounts are counted as this; so a sum of 2**31 of them is exact."""
_MIDDLE, _LOW = 2**20, 2**32
"""An amount is a * _MIDDLE + b + c / _LOW, of which a, b and c are summed apart: a quarter of a billionth is seen."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The service's side of a pane, a window or a reference.

    Attributes
    ----------
    errors: records with an error.
    newest: the greatest event time of a record, or ``None``.
    resources: by name, the three parts of the sum, then rows by bin, int64 (3 + 1411,).
    """

    errors: int = 0
    newest: Instant | None = None
    resources: Mapping[str, Integers] = field(default_factory=dict, repr=False)

    def __add__(self, other: Usage) -> Usage:
        known = [at for at in (self.newest, other.newest) if at is not None]
        resources = dict(self.resources)
        for name, amounts in other.resources.items():
            resources[name] = resources[name] + amounts if name in resources else amounts
        return Usage(self.errors + other.errors, max(known, default=None), resources)


def without_usage(table: pa.Table) -> pa.Table:
    """Return canonical rows without errors and resources: as they are kept, and as their hash is taken."""
    return table.drop_columns([name for name in table.column_names if name == ERROR or name.startswith(PREFIX)])


def usage_rows(table: pa.Table, panes: NDArray[np.intp], number: int) -> list[Usage]:
    """Count what rows used, by pane.

    Parameters
    ----------
    table: perhaps with ``timestamp``, ``error`` and columns of resources; n rows.
    panes: the pane of each row, 0 to number - 1, shape (n,).
    """
    usages = [Usage() for _ in range(number)]
    if "timestamp" in table.column_names:
        times = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)
        newest = np.full(number, np.iinfo(np.int64).min)
        np.maximum.at(newest, panes, times)
        rows = np.bincount(panes, minlength=number)
        usages = [replace(u, newest=int(at) if n else None) for u, at, n in zip(usages, newest, rows, strict=True)]
    if ERROR in table.column_names:
        wrong = table[ERROR].is_valid().to_numpy()
        errors = np.bincount(panes[wrong], minlength=number)
        usages = [replace(u, errors=int(n)) for u, n in zip(usages, errors, strict=True)]
    for name in table.column_names:
        if name.startswith(PREFIX):
            pairs = zip(usages, _amounts(table[name].cast(pa.float64()).to_numpy(), panes, number), strict=True)
            usages = [replace(u, resources={**u.resources, name.removeprefix(PREFIX): a}) for u, a in pairs]
    return usages


def amounts(values: Floats) -> Integers:
    """Return sum and bins of amounts of a resource, as in :attr:`Usage.resources`."""
    found: Integers = _amounts(values, np.zeros(len(values), np.intp), 1)[0]
    return found


def _amounts(values: Floats, panes: NDArray[np.intp], number: int) -> Integers:
    """Return sums and bins of a resource by pane, (number, 3 + bins); what is no amount is not counted."""
    good = np.isfinite(values) & (values >= 0)
    values, panes = np.minimum(values[good], _LARGEST), panes[good]
    counted = np.zeros((number, _LIMBS + RESOURCE_BINS.size), np.int64)
    high = np.floor(values / _MIDDLE)
    middle = np.floor(values - high * _MIDDLE)
    low = np.rint((values - high * _MIDDLE - middle) * _LOW)
    for place, part in enumerate((high, middle, low)):
        np.add.at(counted[:, place], panes, part.astype(np.int64))
    np.add.at(counted, (panes, RESOURCE_BINS.bins_of(values) + _LIMBS), 1)
    return counted


def amount_rows(amounts: Integers) -> int:
    """Return how many rows named an amount of a resource."""
    return int(amounts[_LIMBS:].sum())


def amount_bins(amounts: Integers) -> Integers:
    """Return the rows of a resource by bin of ``RESOURCE_BINS``."""
    return amounts[_LIMBS:]


def amount_sum(amounts: Integers) -> float:
    """Return the sum of a resource, correct to the last bit of what was counted."""
    high, middle, low = (int(part) for part in amounts[:_LIMBS])
    return ((high * _MIDDLE + middle) * _LOW + low) / _LOW


def amount_figures(amounts: Integers) -> dict[str, float | int | None]:
    """Return rows, sum, mean and quantiles of a resource; what no row names is unknown, not 0.

    >>> counted = usage_rows(pa.table({"resource:tokens": [10.0, 30.0, None]}), np.zeros(3, np.intp), 1)[0]
    >>> figures = amount_figures(counted.resources["tokens"])
    >>> figures["rows"], figures["sum"], figures["mean"]
    (2, 40.0, 20.0)
    """
    rows = amount_rows(amounts)
    if not rows:
        return {"rows": 0, "sum": None, "mean": None, **dict.fromkeys(QUANTILES)}
    total, bins = amount_sum(amounts), amount_bins(amounts)
    quantiles = {name: RESOURCE_BINS.quantile(bins, share) for name, share in QUANTILES.items()}
    return {"rows": rows, "sum": total, "mean": total / rows, **quantiles}


def amount_deviation(amounts: Integers) -> float:
    """Return the standard deviation of a resource over its rows, from its bins: within a few percent; 0 under two."""
    bins = amount_bins(amounts)
    places = np.flatnonzero(bins)
    counts = bins[places].astype(np.float64)
    if counts.sum() <= 1:
        return 0.0
    values = np.array([RESOURCE_BINS.middle(int(place)) if place else 0.0 for place in places])
    mean = float((counts * values).sum() / counts.sum())
    return float(np.sqrt((counts * (values - mean) ** 2).sum() / (counts.sum() - 1)))


def usage_bytes(usage: Usage) -> bytes:
    """Pack a usage, uncompressed; :func:`usage_from_bytes` gives it back exactly."""
    names = sorted(usage.resources)
    head = json.dumps({"errors": usage.errors, "newest": usage.newest, "names": names}).encode()
    arrays = b"".join(usage.resources[name].astype("<i8").tobytes() for name in names)
    return len(head).to_bytes(8, "little") + head + arrays


def usage_from_bytes(raw: bytes) -> Usage:
    """Unpack what :func:`usage_bytes` packed; nothing is what was kept before there was any."""
    if not raw:
        return Usage()
    end = 8 + int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:end])
    amounts = np.frombuffer(raw[end:], "<i8").astype(np.int64).reshape(len(head["names"]), _LIMBS + RESOURCE_BINS.size)
    return Usage(head["errors"], head["newest"], dict(zip(head["names"], amounts, strict=True)))
