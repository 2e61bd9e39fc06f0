"""The page that Prometheus reads, in its text format and in OpenMetrics, rendered from the table of series.

A family that did not change since it was rendered last is not rendered again: a window closes once an hour, a
cycle ends every second.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from prometheus_client.core import Metric as Exposed
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from monitor.telemetry.declared import SEGMENT, Metric
from monitor.telemetry.series import Family, Histogram, Labels, SeriesTable

_OPEN_METRICS = "application/openmetrics-text"
_EOF = b"# EOF\n"
_FASTEST = 1


@dataclass(frozen=True)
class Page:
    """One rendered page and its media type."""

    body: bytes
    content_type: str

    @cached_property
    def gzipped(self) -> bytes:
        """Return the body compressed, done at most once a rendering."""
        return gzip.compress(self.body, _FASTEST, mtime=0)


@dataclass(frozen=True, slots=True)
class Pages:
    """The page in both formats."""

    text: Page
    openmetrics: Page

    def choose(self, accept: str) -> Page:
        """Return the page in the format that an ``Accept`` header prefers."""
        _, content_type = choose_encoder(accept)
        return self.openmetrics if content_type.startswith(_OPEN_METRICS) else self.text


class TableCollector(Collector):
    """A table of series as the client library wants to see it."""

    def __init__(self, table: SeriesTable) -> None:
        self._table = table

    def collect(self) -> Iterator[Exposed]:
        """Return every family that has a series, in the order of declaration."""
        for family in self._table.families.values():
            if family.values or family.histograms:
                yield expose(family)

    def describe(self) -> list[Exposed]:
        """Return the names alone."""
        return [_empty(metric) for metric in self._table.families]


class Renderer:
    """Renders a table and some further collectors, family by family."""

    def __init__(self, table: SeriesTable, further: Sequence[Collector]) -> None:
        self._table = table
        self._further = further
        self._rendered: dict[Metric, tuple[bytes, bytes]] = {}

    def render(self) -> Pages:
        """Render what changed, and return the whole."""
        parts = [self._family(family) for family in self._table.families.values()]
        parts.extend(_encode(collector.collect()) for collector in self._further)
        text = b"".join(part[0] for part in parts)
        opened = b"".join(part[1] for part in parts) + _EOF
        return Pages(Page(text, CONTENT_TYPE_PLAIN_0_0_4), Page(opened, openmetrics.CONTENT_TYPE_LATEST))

    def _family(self, family: Family) -> tuple[bytes, bytes]:
        if family.changed or family.metric not in self._rendered:
            text = generate_latest(_Families([expose(family)])) if family.values or family.histograms else b""
            self._rendered[family.metric] = text, _opened(text, family.metric)
            family.changed = False
        return self._rendered[family.metric]


class _Families(Collector):
    def __init__(self, families: Iterable[Exposed]) -> None:
        self._families = list(families)

    def collect(self) -> list[Exposed]:
        return self._families


def _encode(families: Iterable[Exposed]) -> tuple[bytes, bytes]:
    source = _Families(families)
    opened: bytes = openmetrics.generate_latest(source)  # type: ignore[no-untyped-call]
    return generate_latest(source), opened.removesuffix(_EOF)


def _opened(text: bytes, metric: Metric) -> bytes:
    """Turn a family from the text format into OpenMetrics, where a counter's own name has no ``_total``.

    All else of our families is the same in both, and writing ten thousand lines twice would take twice as long.
    """
    bare = metric.name.removesuffix("_total")
    for word in ("HELP", "TYPE"):
        text = text.replace(f"# {word} {metric.name} ".encode(), f"# {word} {bare} ".encode(), 1)
    return text


def _empty(metric: Metric) -> Exposed:
    return Exposed(metric.name.removesuffix("_total"), metric.help, metric.type)


def expose(family: Family) -> Exposed:
    """Return a family of series as the client library's own class."""
    metric = family.metric
    exposed = _empty(metric)
    for values, number in family.values.items():
        exposed.add_sample(metric.name, dict(zip((*metric.labels, SEGMENT), values, strict=False)), number)
    for values, histogram in family.histograms.items():
        _add_histogram(exposed, metric, values, histogram)
    return exposed


def _add_histogram(exposed: Exposed, metric: Metric, values: Labels, histogram: Histogram) -> None:
    labels = dict(zip(metric.labels, values, strict=True))
    below = 0
    for bound, count in zip((*metric.buckets, float("inf")), histogram.counts, strict=True):
        below += count
        exposed.add_sample(f"{metric.name}_bucket", {**labels, "le": _bound(bound)}, below)
    exposed.add_sample(f"{metric.name}_count", labels, below)
    exposed.add_sample(f"{metric.name}_sum", labels, histogram.total)


def _bound(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text
