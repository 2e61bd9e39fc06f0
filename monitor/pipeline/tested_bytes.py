"""What is held of a version for tests on values, to the store and back."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

from monitor.pipeline.by_evidently import Tested
from monitor.pipeline.sample_bytes import add_rows, forget_rows, hold_pieces, pieces_of, save_reduced
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory

_KNOWN, _PIECE = "values", "values:"


def save_tested(connection: Connection, model: str, version: str, tested: Tested) -> None:
    """Keep what a close left: of which reference it is, and the rows that an open window may hold."""
    body = {"values": tested.values.id, "done": tested.sample.done}
    kept = json.dumps(body, separators=(",", ":")).encode()
    if kept != tested.kept:
        save_memory(connection, model, version, _KNOWN, kept)
        tested.kept = kept
    save_reduced(connection, (model, version, _PIECE), tested.sample)


def save_tested_rows(connection: Connection, model: str, version: str, tested: Tested, rows: pa.Table) -> None:
    """Keep the rows of a batch that are held; with the first, of which reference they are."""
    if json.loads(tested.kept or b"{}").get("values") == tested.values.id:
        add_rows(connection, (model, version, _PIECE), tested.sample, rows)
    else:
        tested.sample.reduced = True
        save_tested(connection, model, version, tested)


def forget_tested(connection: Connection, model: str, version: str, tested: Tested) -> None:
    """Keep nothing of a version any more."""
    delete_memory(connection, model, version, _KNOWN)
    forget_rows(connection, (model, version, _PIECE), tested.sample)
    tested.kept = b""


def names_of_tested(pieces: Mapping[str, bytes]) -> list[str]:
    """Return under which names something is kept for tests on values."""
    return [name for name in pieces if name == _KNOWN or name.startswith(_PIECE)]


def fill_tested(tested: Tested, pieces: Mapping[str, bytes]) -> None:
    """Take what was kept, unless it is of another reference or of other columns: that goes with the next rows."""
    sample = tested.sample
    sample.pieces, tested.kept = pieces_of(_PIECE, pieces), pieces.get(_KNOWN, b"")
    body = json.loads(tested.kept or b"{}")
    if body.get("values") != tested.values.id:
        sample.reduced = bool(sample.pieces)
        return
    sample.done = body["done"]
    hold_pieces(sample, pieces)
