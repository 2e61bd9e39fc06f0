"""Bodies of calls as they stand in logs: texts of CSV or JSON, perhaps as base64; and the call that they make."""

from __future__ import annotations

import base64
import binascii
import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.record import Reason, Told
from monitor.sources.calls import Half, Names, ids, records
from monitor.sources.formats.event import Event
from monitor.sources.formats.inference import BodyUnknown, read
from monitor.sources.formats.tensors import TensorInvalid

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


def of_csv(text: str) -> bytes:
    """Return lines of CSV without a header as a body of rows; what is a number in JSON becomes one.

    >>> of_csv("34,0.2,gold")
    b'[[34, 0.2, "gold"]]'

    Raises
    ------
    BodyUnknown: a quote is left open.
    """
    try:
        rows = [[_value(cell) for cell in row] for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error:
        raise BodyUnknown("not CSV") from None
    return json.dumps(rows).encode()


def _value(cell: str) -> Any:
    text = cell.strip()
    if not text:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        return cell
    return float(text) if found[2] or found[3] else int(text)


def of_base64(text: str) -> bytes:
    """Return what base64 holds.

    Raises
    ------
    BodyUnknown: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BodyUnknown("not base64") from None


def rows_of(body: bytes) -> list[Any]:
    """Return the rows of a body.

    Raises
    ------
    BodyUnknown: it is of no known form.
    """
    try:
        return read(body).rows
    except TensorInvalid:
        raise BodyUnknown("a tensor does not agree with itself") from None


def call(id_: str | None, request: bytes, response: bytes | None, names: Names) -> Told:
    """Return the records of a call whose halves are logged together; its id goes before one in its body."""
    refused: list[tuple[Reason, int]] = []
    halves = [Half(Event("", "", "-", None, {}, body), 0, 0) for body in (request, response or b"")]
    try:
        made = records(halves[0], None if response is None else halves[1], names, refused)
    except BodyUnknown as error:
        return Told((), [(Reason.BODY_UNKNOWN, str(error))])
    except TensorInvalid as error:
        return Told((), [(Reason.TENSOR_INVALID, str(error))])
    own = [None] * len(made) if id_ is None else ids(id_, len(made))
    told = [{**record, "request_id": each} for record, each in zip(made, own, strict=True)]
    return Told(told, [(reason, "the response") for reason, _ in refused])


def stamped(told: Told, beside: Mapping[str, Any]) -> Told:
    """Return records with what is known of all of them."""
    return Told([{**record, **beside} for record in told.records], told.refused)


def text_of(value: Any) -> str | None:
    """Return a text that says something; ``None`` of all else."""
    return value if isinstance(value, str) and value.strip() else None


def first_text(holder: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Return the first text that stands under some keys."""
    return next((text for key in keys if (text := text_of(holder.get(key))) is not None), None)
