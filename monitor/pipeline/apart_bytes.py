"""What is known of telling a version from its reference, to the store and back: its ranks, and the rows it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from monitor.calibration.conformal import Conformal
from monitor.pipeline.gathering import to_bytes
from monitor.pipeline.telling_apart import Apart, Look
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory

_KNOWN, _PIECE = "apart", "apart:"
_MOST_PIECES = 64
"""A live tail adds a piece a second; so many become one."""


def save_apart(connection: Connection, model: str, version: str, apart: Apart) -> None:
    """Keep what a close left: what is known, and the rows of the steps that are not over."""
    body: dict[str, Any] = {
        "ground": apart.ground.id,
        "ranks": None if apart.ranks is None else asdict(apart.ranks),
        "look": None if apart.look is None else asdict(apart.look),
        "since": apart.since,
        "missed": apart.missed,
        "done": apart.sample.done,
    }
    kept = json.dumps(body, separators=(",", ":")).encode()
    if kept != apart.kept:
        save_memory(connection, model, version, _KNOWN, kept)
        apart.kept = kept
    if apart.sample.reduced:
        _save_again(connection, model, version, apart)


def save_rows(connection: Connection, model: str, version: str, apart: Apart, rows: pa.Table) -> None:
    """Keep the rows of a batch that are held."""
    if len(apart.sample.pieces) >= _MOST_PIECES:
        _save_again(connection, model, version, apart)
    else:
        _save(connection, model, version, apart, rows)


def forget_apart(connection: Connection, model: str, version: str, apart: Apart) -> None:
    """Keep nothing of a version any more."""
    for piece in (_KNOWN, *apart.sample.pieces):
        delete_memory(connection, model, version, piece)
    apart.kept, apart.sample.pieces = b"", []


def names_of_apart(pieces: Mapping[str, bytes]) -> list[str]:
    """Return under which names something is kept of telling a version from its reference."""
    return [name for name in pieces if name == _KNOWN or name.startswith(_PIECE)]


def _save_again(connection: Connection, model: str, version: str, apart: Apart) -> None:
    for piece in apart.sample.pieces:
        delete_memory(connection, model, version, piece)
    apart.sample.pieces, apart.sample.reduced = [], False
    rows = apart.sample.rows
    if rows is not None:
        _save(connection, model, version, apart, rows)


def _save(connection: Connection, model: str, version: str, apart: Apart, rows: pa.Table) -> None:
    piece = f"{_PIECE}{len(apart.sample.pieces)}"
    apart.sample.pieces.append(piece)
    save_memory(connection, model, version, piece, to_bytes(rows))


def fill_apart(apart: Apart, pieces: Mapping[str, bytes]) -> None:
    """Take what was kept, unless it is of another reference or another classifier: that goes with the next close."""
    sample = apart.sample
    sample.pieces = sorted(
        (name for name in pieces if name.startswith(_PIECE)), key=lambda name: int(name[len(_PIECE) :])
    )
    apart.kept = pieces.get(_KNOWN, b"")
    body = json.loads(apart.kept or b"{}")
    if body.get("ground") != apart.ground.id:
        sample.reduced = bool(sample.pieces)
        return
    sample.done, apart.since, apart.missed = body["done"], body["since"], body["missed"]
    if body["ranks"] is not None:
        apart.ranks = Conformal(**{name: tuple(numbers) for name, numbers in body["ranks"].items()})
        apart.ground.own, apart.ground.steps = apart.ranks.own, None
    if body["look"] is not None:
        apart.look = Look(**body["look"] | {"carried_by": tuple(body["look"]["carried_by"])})
    for name in sample.pieces:
        sample.hold(pa.ipc.open_stream(pieces[name]).read_all())
