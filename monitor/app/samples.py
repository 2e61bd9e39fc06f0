"""A few records as a source tells them, with shapes for values: what ``check`` shows of a log."""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError, SourceUnavailable
from monitor.record import WHOLE, Layout
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.opening import SourceSettings, Where, open_source
from monitor.sources.position import Position
from monitor.sources.source import Source

_ROWS = 5
_MOST_BATCHES = 8
_BLOCK_BYTES = 2**16
_MOST_FILES = 32
"""Of many files as many of the first and of the last by name are looked at."""

Json = dict[str, Any]


def sample(settings: SourceSettings, timestamp: str, root: Path, *, targets: bool) -> Json:
    """Return what is told of a source by its first records: their fields, shapes for values, and refusals by reason.

    Parameters
    ----------
    timestamp: where the event time stands, which targets may lack.
    """
    if settings.type == "http":
        return {}
    layout = Layout(timestamp, (), needs_timestamp=not targets, whole=True)
    try:
        source = open_source(_few(settings, layout, root), layout, Where(root, None, _BLOCK_BYTES, at_rest=True))
    except (MonitorError, ValueError, OSError):
        return {}
    try:
        lines, refused = _first(source)
    except SourceUnavailable:  # it is told why beside
        return {}
    finally:
        source.close()
    rows = [{name: shape(value) for name, value in flat(json.loads(line))} for line in lines]
    return {"rows": rows, "refused": dict(sorted(refused.items()))} if rows or refused else {}


def _few(settings: SourceSettings, layout: Layout, root: Path) -> SourceSettings:
    """Return settings that name some of many files."""
    if not isinstance(settings, FilesSettings):
        return settings
    source = FilesSource(settings, layout, root)
    found = source.matches()
    source.close()
    if len(found) <= 2 * _MOST_FILES:
        return settings
    kept = [glob.escape(str(path)) for path in (*found[:_MOST_FILES], *found[-_MOST_FILES:])]
    return settings.model_copy(update={"path": kept})


def _first(source: Source) -> tuple[list[str], Counter[str]]:
    positions: dict[str, Position] = {}
    lines: list[str] = []
    refused: Counter[str] = Counter()
    for _ in range(_MOST_BATCHES):
        batch = source.read(positions)
        if batch is None or len(lines) >= _ROWS:
            break
        positions[batch.file] = batch.position
        lines += batch.table[WHOLE].slice(0, _ROWS).to_pylist()
        refused += batch.refused()
    return lines[:_ROWS], refused


def flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each field of a record by its dotted path."""
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def shape(value: Any) -> str:
    """Return what a value is, and how long; never the value.

    >>> [shape(each) for each in (None, True, 12, 0.5, "gold", [1, 2])]
    ['null', 'boolean', 'integer', 'number', 'text of 4', 'list of 2']
    """
    if isinstance(value, str | list):
        return f"{'text' if isinstance(value, str) else 'list'} of {len(value)}"
    return _SHAPES.get(type(value), "object")


_SHAPES = {type(None): "null", bool: "boolean", int: "integer", float: "number"}
