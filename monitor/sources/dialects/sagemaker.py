"""SageMaker's data capture: a line is a call, or the true outcome of one, or both where its merge job joined them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.record import Reason, Told
from monitor.sources.calls import Names, ids, named
from monitor.sources.dialects.bodies import call, first_text, of_base64, of_csv, rows_of, stamped, text_of
from monitor.sources.formats.inference import BodyUnknown

_CAPTURE, _TRUTH, _META = "captureData", "groundTruthData", "eventMetadata"


@dataclass(frozen=True, slots=True)
class SageMaker:
    """Reads lines of data capture and of ground truth."""

    names: Names

    def read(self, line: Mapping[str, Any]) -> Told:
        """Read one line."""
        capture, truth, meta = (line.get(name) for name in (_CAPTURE, _TRUTH, _META))
        if not isinstance(meta, dict) or not (isinstance(capture, dict) or isinstance(truth, dict)):
            return Told((), [(Reason.EVENT_INVALID, f"neither {_CAPTURE} nor {_TRUTH}, or no {_META}")])
        id_ = first_text(meta, ("inferenceId", "eventId"))
        try:
            told = self._call(id_, capture) if isinstance(capture, dict) else Told(())
            targets = _targets(truth) if isinstance(truth, dict) else []
        except BodyUnknown as error:
            return Told((), [(Reason.BODY_UNKNOWN, str(error))])
        told = stamped(told, {"timestamp": meta.get("inferenceTime")})
        return _with_targets(told, targets, id_) if targets else told

    def _call(self, id_: str | None, capture: Mapping[str, Any]) -> Told:
        given = _part(capture, "endpointInput")
        try:
            answered = _part(capture, "endpointOutput")
        except BodyUnknown:
            answered = b""  # of no known form, and refused as such: the input counts all the same
        if given is None and answered is None:
            raise BodyUnknown("neither endpointInput nor endpointOutput")
        if given is None:
            given = json.dumps([{}] * len(rows_of(answered or b""))).encode()
        elif answered is not None:
            answered = _by_row(given, answered)
        return call(id_, given, answered, self.names)


def _part(capture: Mapping[str, Any], name: str) -> bytes | None:
    """Return one part's body; ``None`` where it was not captured."""
    part = capture.get(name)
    return _body(part) if isinstance(part, dict) else None


def _body(part: Mapping[str, Any]) -> bytes:
    data, encoding, kind = part.get("data"), part.get("encoding"), text_of(part.get("observedContentType")) or ""
    if not isinstance(data, str):
        raise BodyUnknown("no data")
    if encoding == "BASE64":
        raw = of_base64(data)
        if "csv" not in kind.lower():
            return _json(raw, kind)
        try:
            data, encoding = raw.decode(), "CSV"
        except UnicodeDecodeError:
            raise BodyUnknown("not UTF-8") from None
    if encoding == "CSV":
        return of_csv(data)
    if encoding == "JSON":
        return _json(data.encode("utf-8", "replace"), kind)
    raise BodyUnknown("encoding is none of CSV, JSON, BASE64")


def _json(raw: bytes, kind: str) -> bytes:
    """Return a body of JSON; lines of JSON as an array."""
    is_lines = "jsonlines" in kind.lower() or "ndjson" in kind.lower()
    return b"[" + b",".join(line for line in raw.splitlines() if line.strip()) + b"]" if is_lines else raw


def _by_row(given: bytes, answered: bytes) -> bytes:
    """Return answers a row, where all answers of a batch stand on one line of CSV, as XGBoost's do."""
    try:
        asked, told = rows_of(given), rows_of(answered)
    except BodyUnknown:
        return answered
    flat = len(told) == 1 and isinstance(told[0], list) and len(told[0]) == len(asked) > 1
    return json.dumps(told[0]).encode() if flat else answered


def _targets(truth: Mapping[str, Any]) -> list[Any]:
    """Return the true outcomes, a row one."""
    rows = [list(named(row, ()).values()) for row in rows_of(_body(truth))]
    if not rows or any(len(row) != 1 for row in rows):
        raise BodyUnknown("ground truth is not one value a row")
    return [row[0] for row in rows]


def _with_targets(told: Told, targets: list[Any], id_: str | None) -> Told:
    """Return records with their targets, or where no call stands beside them, the targets alone."""
    if not told.records and not told.refused:
        own = [None] * len(targets) if id_ is None else ids(id_, len(targets))
        return Told([{"request_id": each, "target": target} for each, target in zip(own, targets, strict=True)])
    if len(told.records) != len(targets):
        return Told(told.records, [*told.refused, (Reason.ROWS_DISAGREE, "ground truth")])
    both = zip(told.records, targets, strict=True)
    return Told([{**record, "target": target} for record, target in both], told.refused)
