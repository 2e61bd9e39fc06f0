"""From lines in a dialect, as another product writes them, to lines in the native layout."""

from __future__ import annotations

import json

from monitor.record import Dialect, Reason, Rejected
from monitor.sources.formats.block import Lines
from monitor.sources.formats.json_rows import Refused, parse_value, repeats

_encoded = json.JSONEncoder(separators=(",", ":")).encode


def translate(lines: Lines, dialect: Dialect) -> tuple[list[bytes], list[int], list[Rejected]]:
    """Return lines of JSON, of each the number of the line that it was made of, and what was refused."""
    made: list[bytes] = []
    owners: list[int] = []
    refused: list[Rejected] = []
    for index in range(len(lines)):
        try:
            value = parse_value(lines.line(index), first=lines.offset + int(lines.starts[index]) == 0)
        except Refused as error:
            refused.append(lines.reject(index, error.reason, error.detail))
            continue
        for each in value if isinstance(value, list) else [] if value is None else [value]:
            if not isinstance(each, dict) or repeats(each):
                reason = Reason.DUPLICATE_KEY if isinstance(each, dict) else Reason.NOT_OBJECT
                refused.append(lines.reject(index, reason, type(each).__name__))
                continue
            told = dialect.read(each)
            made += [_encoded(record).encode() + b"\n" for record in told.records]
            owners += [index] * len(told.records)
            refused += [lines.reject(index, reason, detail) for reason, detail in told.refused]
    return made, owners, refused
