"""What is sent as records, as lines: a JSON array, or one object a line; and which of them may come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import numpy as np

from monitor.record import Layout, Reason, Rejected
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import Lines, split
from monitor.sources.formats.json_rows import too_deep
from monitor.web.bodies import too_large
from monitor.web.problems import Problem

MOST_LINE_BYTES = 2**20
_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r"
_AT_TIME = frozenset({Reason.TIMESTAMP_INVALID, Reason.TIMESTAMP_MISSING})


@dataclass(frozen=True, slots=True)
class Checked:
    """Which records of a body may come in.

    Attributes
    ----------
    lines: those that may, as they were sent, each with a newline.
    accepted: how many they are.
    rejected: the others, as the answer names them; ``reasons`` counts them.
    """

    lines: bytes = field(repr=False)
    accepted: int
    rejected: list[dict[str, Any]]
    reasons: Counter[str]


def lines_of(body: bytes) -> bytes:
    """Return a body as one line a record.

    Raises
    ------
    Problem: 400, an array is not JSON.
    """
    text = body.removeprefix(_BOM)
    if not text.lstrip(b" \t\r\n").startswith(b"["):
        return text
    try:
        return _from_array(text)
    except UnicodeDecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "encoding", f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Problem(HTTPStatus.BAD_REQUEST, "json_syntax", f"the body is not JSON: {where}") from None
    except (ValueError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "json_syntax", "the body is not JSON") from None


def _from_array(body: bytes) -> bytes:
    """Return the elements of an array as they are written, each on a line of its own."""
    if too_deep(body):
        raise ValueError("nested too deep")
    text, scan = body.decode(), json.JSONDecoder().raw_decode
    at, parts = _next(text, text.index("[") + 1), []
    while text[at : at + 1] != "]":
        _, end = scan(text, at)
        parts.append(text[at:end])
        at = _next(text, end)
        if text[at : at + 1] == ",":
            at = _next(text, at + 1)
            if text[at : at + 1] != "]":
                continue
        elif text[at : at + 1] == "]":
            break
        raise json.JSONDecodeError("expected another element", text, at)
    rest = _next(text, at + 1)
    if rest != len(text):
        raise json.JSONDecodeError("something follows the array", text, rest)
    return "".join(f"{part}\n" for part in map(_on_one_line, parts)).encode()


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _on_one_line(part: str) -> str:
    """Put an element on one line: in JSON a line break stands between tokens only."""
    return part.replace("\n", " ").replace("\r", " ") if "\n" in part or "\r" in part else part


def check(data: bytes, layout: Layout, most: int) -> Checked:
    """Look at each record: whether it is one JSON object, with what the layout needs.

    Raises
    ------
    Problem: 413, they are more than ``most``.
    """
    whole = data if data.endswith(b"\n") or not data else data + b"\n"
    lines = _without_blanks(split("", whole))
    if len(lines) > most:
        raise too_large(f"more than {most} records")
    long = lines.ends - lines.starts > MOST_LINE_BYTES
    found = [Rejected(Reason.TOO_LONG, "", int(start), "") for start in lines.starts[long]]
    found += jsonl.decode(lines.pick(~long), layout).rejected
    if not found:
        return Checked(lines.joined(), len(lines), [], Counter())
    places = np.searchsorted(lines.starts, [fault.offset for fault in found])
    keep = np.ones(len(lines), np.bool_)
    keep[places] = False
    order = sorted(zip(places.tolist(), found, strict=True), key=lambda each: each[0])
    rejected = [_told(index, fault.reason, layout) for index, fault in order]
    reasons = Counter(str(fault.reason) for fault in found)
    return Checked(lines.pick(keep).joined(), int(keep.sum()), rejected, reasons)


def _without_blanks(lines: Lines) -> Lines:
    keep = lines.ends > lines.starts
    codes = np.frombuffer(lines.data, np.uint8)
    for index in np.flatnonzero(np.isin(codes[lines.starts], list(_BLANKS))).tolist():
        keep[index] = bool(lines.line(index).strip(_BLANKS))
    return lines.pick(keep)


def _told(index: int, reason: Reason, layout: Layout) -> dict[str, Any]:
    path: Sequence[str] = ()
    if reason in _AT_TIME:
        path = layout.timestamp.split(".")
    elif reason is Reason.ID_MISSING and layout.id:
        path = layout.id.split(".")
    steps = (step.replace("~", "~0").replace("/", "~1") for step in path)
    return {"index": index, "code": str(reason), "pointer": "/".join(["", str(index), *steps])}
