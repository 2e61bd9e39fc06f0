"""The series that stand on the page: label values to numbers, sanitised and capped."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.telemetry.declared import Metric

MAX_LABEL = 128
_KEPT_OF_LONG = MAX_LABEL - 9  # and "~" and eight digits of the hash, so that long names stay apart
# C0, DEL and C1; line and paragraph separators; what turns the direction of text; lone surrogates.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Labels: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Histogram:
    """Observations counted by bucket; the last count is of what lies above every bound."""

    counts: list[int]
    total: float = 0.0

    def observe(self, bounds: tuple[float, ...], value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Family:
    """The series of one metric, by label values."""

    metric: Metric
    values: dict[Labels, float] = field(default_factory=dict)
    histograms: dict[Labels, Histogram] = field(default_factory=dict)
    changed: bool = True


def sanitise(value: object) -> str:
    r"""Make a label value that every reader of the page accepts: no control character, at most 128 characters.

    >>> sanitise("a\nb") == "a\ufffdb", len(sanitise("x" * 1000))
    (True, 128)
    """
    text = _UNFIT.sub("\ufffd", str(value)[: MAX_LABEL + 1])
    if len(text) <= MAX_LABEL:
        return text
    digest = hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_KEPT_OF_LONG]}~{digest[:8]}"


class SeriesTable:
    """What is exposed now, never more than ``cap`` series.

    The last tenth of the cap is closed to series per column or segment, so that a model with a million columns hides
    neither its own verdict nor the monitor's health. What does not fit is counted in ``dropped``, once an update.
    """

    def __init__(self, metrics: Iterable[Metric], cap: int) -> None:
        self.families = {metric: Family(metric) for metric in metrics}
        self.cap = cap
        self.count = 0
        self.dropped = 0

    def put(self, metric: Metric, labels: Iterable[object], value: float) -> None:
        """Set a series, new or not; one label value more than the metric has labels is the segment."""
        family = self.families[metric]
        key = tuple(map(sanitise, labels))
        if key not in family.values and not self._make_room(metric, aside=len(key) > len(metric.labels)):
            return
        if family.values.get(key) != value:
            family.values[key] = float(value)
            family.changed = True

    def add(self, metric: Metric, labels: Iterable[object], value: float) -> None:
        """Set a series that must be new: of two names that read alike once sanitised, the first stays."""
        if not self._make_room(metric):
            return
        family = self.families[metric]
        key = tuple(map(sanitise, labels))
        if key in family.values:
            self.count -= metric.weight
            self.dropped += metric.weight
            return
        family.values[key] = float(value)
        family.changed = True

    def raise_to(self, metric: Metric, labels: Iterable[object], total: float) -> None:
        """Set a counter to a total; a counter never falls while the process lives."""
        key = tuple(labels)
        self.put(metric, key, max(float(total), self.get(metric, key)))

    def observe(self, metric: Metric, labels: Iterable[object], value: float) -> None:
        """Count one observation of a histogram."""
        family = self.families[metric]
        key = tuple(map(sanitise, labels))
        if key not in family.histograms:
            if not self._make_room(metric):
                return
            family.histograms[key] = Histogram([0] * (len(metric.buckets) + 1))
        family.histograms[key].observe(metric.buckets, value)
        family.changed = True

    def get(self, metric: Metric, labels: Iterable[object]) -> float:
        """Return the value of a series, 0 if there is none."""
        return self.families[metric].values.get(tuple(map(sanitise, labels)), 0.0)

    def remove(self, metrics: Iterable[Metric], where: Mapping[str, str]) -> None:
        """Remove the series of some metrics that carry all the given label values."""
        wanted = {label: sanitise(value) for label, value in where.items()}
        for metric in metrics:
            if wanted.keys() <= set(metric.labels):
                at = {metric.labels.index(label): value for label, value in wanted.items()}
                self._remove(self.families[metric], at)

    def _remove(self, family: Family, at: Mapping[int, str]) -> None:
        for series in (family.values, family.histograms):
            gone = [key for key in series if all(key[place] == value for place, value in at.items())]
            for key in gone:
                del series[key]
            self.count -= len(gone) * family.metric.weight
            family.changed |= bool(gone)

    def _make_room(self, metric: Metric, *, aside: bool = False) -> bool:
        """Count one more set of labels of a metric in, or count it as dropped; ``aside``: it is of a segment."""
        room = self.cap - self.cap // 10 if metric.per_column or aside else self.cap
        if self.count + metric.weight > room:
            self.dropped += metric.weight
            return False
        self.count += metric.weight
        return True
