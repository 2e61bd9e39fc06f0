"""The part of ``check`` that says where the records are, and how the first of them are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.cli.common import plain, table

Body = Mapping[str, Any]
_MOST_FIELDS = 60


def source_parts(source: Body) -> Iterator[Any]:
    """Yield how much lies there, and a table of the fields of the first records, with shapes for values."""
    yield source_line(source)
    refused = ", ".join(f"{count} {reason}" for reason, count in source.get("refused", {}).items())
    if refused:
        yield f"{source['role']}: of the first ones refused: {refused}"
    rows = source.get("rows", [])
    if not rows:
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = table(f"first {len(rows)} {source['role']}", "field", "values, masked")
    for name in names[:_MOST_FIELDS]:
        shown.add_row(plain(name), ", ".join(row.get(name, "absent") for row in rows))
    yield shown
    if len(names) > _MOST_FIELDS:
        yield f"{source['role']}: and {len(names) - _MOST_FIELDS} fields more"


def source_line(source: Body) -> str:
    """Return how much lies there, and why it cannot be read."""
    why = "" if source["why"] is None else f" ({source['why']})"
    if "topic" in source:
        waiting = sum(each["next"] - each["first"] for each in source["partitions"])
        return f"{source['role']}: {len(source['partitions'])} partitions of {source['topic']}, {waiting} messages{why}"
    if "listed" in source:
        least = "" if source["listed"]["whole"] else "at least "
        found = f"{least}{source['matches']} objects, {_mib(source['listed'])}"
        return f"{source['role']}: {found}, of {source['path']}{why}"
    if "table" in source:
        held, kind = source["table"], source["kind"].capitalize()
        rows = "" if held["rows"] is None else f"{held['rows']} rows in "
        return f"{source['role']}: {kind} table of {rows}{held['files']} files, {_mib(held)}, of {source['path']}{why}"
    return f"{source['role']}: {source['matches']} files{why}"


def _mib(held: Body) -> str:
    return f"{held['bytes'] / 2**20:.1f} MiB"
