"""What is known of telling a version from its reference, to the store and back: its ranks, and the rows it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from monitor.calibration.conformal import Conformal
from monitor.pipeline.sample_bytes import add_rows, forget_rows, hold_pieces, pieces_of, save_reduced
from monitor.pipeline.telling_apart import Apart, Look
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory

_KNOWN, _PIECE = "apart", "apart:"


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
    save_reduced(connection, (model, version, _PIECE), apart.sample)


def save_rows(connection: Connection, model: str, version: str, apart: Apart, rows: pa.Table) -> None:
    """Keep the rows of a batch that are held."""
    add_rows(connection, (model, version, _PIECE), apart.sample, rows)


def forget_apart(connection: Connection, model: str, version: str, apart: Apart) -> None:
    """Keep nothing of a version any more."""
    delete_memory(connection, model, version, _KNOWN)
    forget_rows(connection, (model, version, _PIECE), apart.sample)
    apart.kept = b""


def names_of_apart(pieces: Mapping[str, bytes]) -> list[str]:
    """Return under which names something is kept of telling a version from its reference."""
    return [name for name in pieces if name == _KNOWN or name.startswith(_PIECE)]


def fill_apart(apart: Apart, pieces: Mapping[str, bytes]) -> None:
    """Take what was kept, unless it is of another reference or another classifier: that goes with the next close."""
    sample = apart.sample
    sample.pieces = pieces_of(_PIECE, pieces)
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
    hold_pieces(sample, pieces)
