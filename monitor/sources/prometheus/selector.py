"""Which series of a page of metrics are meant, and what they say: read by Prometheus's own parser.

A page may hold tens of thousands of lines of which a few are asked for; only those are parsed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}
_PARTS = ("_total", "_sum", "_count", "_bucket")
_GROWING = frozenset({"counter", "histogram", "summary"})

Series: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and the labels that its series must have."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a page says of a resource.

    Attributes
    ----------
    grows: it is a counter, or a part of a histogram or summary that only grows.
    values: by the labels of each series.
    """

    grows: bool
    values: Mapping[Series, float]


def selector(text: str) -> Selector:
    """Read a selector.

    Raises
    ------
    ValueError: it is none.

    >>> selector('queue{model="churn"}')
    Selector(name='queue', labels={'model': 'churn'})
    """
    match = _SELECTOR.fullmatch(text.strip())
    labels, rest, at = {}, (match[2] or "").strip() if match else "", 0
    while match and at < len(rest):
        label = _LABEL.match(rest, at)
        if label is None:
            match = None
            break
        labels[label[1]] = re.sub(r"\\.", lambda pair: _ESCAPED.get(pair[0], pair[0]), label[2])
        at = label.end()
    if match is None:
        raise ValueError("""not a metric; expected e.g. process_resident_memory_bytes or 'queue{model="churn"}'""")
    return Selector(match[1], labels)


def read_page(page: str, wanted: Mapping[str, Selector]) -> dict[str, Found]:
    """Return what a page in the text format says of resources; without those of which it says nothing.

    Raises
    ------
    ValueError: a line that is asked for is not of the format.
    """
    from prometheus_client.parser import text_string_to_metric_families

    names = {each.name for each in wanted.values()}
    text = "\n".join(_lines_of(page, names)) + "\n"
    found: dict[str, dict[Series, float]] = {}
    grows: dict[str, bool] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for resource, each in wanted.items():
                if sample.name == each.name and each.labels.items() <= sample.labels.items():
                    found.setdefault(resource, {})[tuple(sorted(sample.labels.items()))] = sample.value
                    grows[resource] = _grows(family.type, sample.name, sample.labels)
    finite = {name: {k: v for k, v in values.items() if math.isfinite(v)} for name, values in found.items()}
    return {name: Found(grows[name], values) for name, values in finite.items() if values}


def _lines_of(page: str, names: Iterable[str]) -> list[str]:
    """Return the lines that name one of the metrics, and those that say of which type they are."""
    families = {name.removesuffix(part) for name in names for part in ("", *_PARTS)}
    samples, types = ("|".join(sorted(map(re.escape, each), key=len, reverse=True)) for each in (names, families))
    return re.findall(rf"^(?:(?:{samples})[ \t{{].*|#[ \t]+TYPE[ \t]+(?:{types})[ \t].*)$", page, re.MULTILINE)


def _grows(type_: str, name: str, labels: Mapping[str, str]) -> bool:
    if type_ in ("unknown", "untyped"):
        return name.endswith("_total")
    return type_ in _GROWING and not (type_ == "summary" and "quantile" in labels)
