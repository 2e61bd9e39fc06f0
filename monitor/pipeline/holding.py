"""The rows that references are made of, to the store and back: piece by piece while they are gathered, then as one."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from monitor.instant import Instant, to_text
from monitor.pipeline.gathering import Gathered, from_bytes, to_bytes
from monitor.pipeline.making import Made
from monitor.pipeline.model import Model
from monitor.pipeline.references import Frozen
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory
from monitor.store.reference import Reference, list_references, load_reference, save_reference

_PIECE = "gathered:"
_MOST_PIECES = 64
"""A live tail adds a piece a second; so many become one."""


def save_gathered(connection: Connection, model: Model, gathered: Mapping[str, pa.Table]) -> None:
    """Keep the rows of a batch that are held, by version."""
    for version, rows in sorted(gathered.items()):
        held = model.gathered[version]
        if len(held.pieces) >= _MOST_PIECES:
            save_again(connection, model, version)
        else:
            _save(connection, model, version, rows)


def save_again(connection: Connection, model: Model, version: str) -> None:
    """Keep what is held of a version now in the place of all that was; nothing, where nothing is."""
    held = model.gathered[version]
    for piece in held.pieces:
        delete_memory(connection, model.plan.name, version, piece)
    held.pieces = []
    if held.rows.num_rows:
        _save(connection, model, version, held.rows)


def _save(connection: Connection, model: Model, version: str, rows: pa.Table) -> None:
    held = model.gathered[version]
    piece = f"{_PIECE}{len(held.pieces)}"
    held.pieces.append(piece)
    save_memory(connection, model.plan.name, version, piece, to_bytes(rows))


def save_made(connection: Connection, model: Model, made: Made, wall: Instant) -> None:
    """Keep the references that were made, with their rows, and no longer what was held for them."""
    for version, pieces in [*made.emptied.items(), *model.unwanted.items()]:
        for piece in pieces:
            delete_memory(connection, model.plan.name, version, piece)
    model.unwanted = {}
    for version in made.reduced:
        save_again(connection, model, version)
    for version, (frozen, rows) in made.frozen.items():
        judge = model.references.judge(version)
        id_ = "" if judge is None else judge.reference.id
        info = {"wanted": frozen.wanted, "at": frozen.at, "made_at": to_text(frozen.at), "rows": rows.num_rows}
        save_reference(connection, Reference(id_, model.plan.name, version, wall, info, to_bytes(rows)))


def load_made(connection: Connection, model: str) -> dict[str, tuple[Frozen, pa.Table]]:
    """Return what references were made of, by version: of each the last."""
    found = {}
    for version in sorted({each.version for each in list_references(connection, model)}):
        kept = load_reference(connection, model, version)
        if kept is not None:
            found[version] = (Frozen(kept.info["wanted"], kept.info["at"]), from_bytes([kept.payload]))
    return found


def load_gathered(model: Model, version: str, pieces: Mapping[str, bytes]) -> None:
    """Take what was held of a version; where the config no longer asks for it, it goes with the next close."""
    names = sorted((name for name in pieces if name.startswith(_PIECE)), key=lambda name: int(name[len(_PIECE) :]))
    most = model.references.wanted_rows(version)
    if names and most is None:
        model.unwanted[version] = names
    elif names and most is not None:
        model.gathered[version] = Gathered(most, from_bytes([pieces[name] for name in names]), names)
