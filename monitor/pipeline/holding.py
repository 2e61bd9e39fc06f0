"""The rows that references are made of, to the store and back: piece by piece while they are gathered, then as one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

import pyarrow as pa

from monitor.instant import Instant, to_text
from monitor.pipeline.gathering import Gathered, from_bytes, to_bytes
from monitor.pipeline.making import Made
from monitor.pipeline.model import FOREVER, Model
from monitor.pipeline.references import Frozen
from monitor.pipeline.renewing import MADE, RENEWED, Followed
from monitor.pipeline.trail import Trail
from monitor.store.audit import append
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory
from monitor.store.pane import delete_panes
from monitor.store.reference import Reference, forget_rows, list_references, load_reference, save_reference

_PIECE, _STEP, _TRAIL = "gathered:", "held:", "trail"
_FACTS = ("due", "since", "tried", "why")
"""What is kept of a trail beside its rows."""
_MOST_PIECES = 64
"""A live tail adds a piece a second; so many become one."""


def save_gathered(connection: Connection, model: Model, gathered: Mapping[str, pa.Table]) -> None:
    """Keep the rows of a batch that are held, by version."""
    for version, rows in sorted(gathered.items()):
        held = model.gathered[version]
        _delete(connection, model, version, model.unwanted.pop(version, []))
        if isinstance(held, Trail) and not held.pieces:
            _save_trail(connection, model, version, held)
        if len(held.pieces) >= _MOST_PIECES:
            save_again(connection, model, version)
        else:
            _save(connection, model, version, rows)


def save_again(connection: Connection, model: Model, version: str) -> None:
    """Keep what is held of a version now in the place of all that was; nothing, where nothing is."""
    held = model.gathered[version]
    _delete(connection, model, version, held.pieces)
    held.pieces = []
    if held.rows.num_rows:
        _save(connection, model, version, held.rows)


def _save(connection: Connection, model: Model, version: str, rows: pa.Table) -> None:
    """Keep rows as another piece."""
    held = model.gathered[version]
    piece = f"{_PIECE}{len(held.pieces)}"
    held.pieces.append(piece)
    save_memory(connection, model.plan.name, version, piece, to_bytes(rows))


def _delete(connection: Connection, model: Model, version: str, pieces: Iterable[str]) -> None:
    for piece in pieces:
        delete_memory(connection, model.plan.name, version, piece)


def _save_trail(connection: Connection, model: Model, version: str, held: Trail) -> None:
    body = {name: getattr(held, name) for name in _FACTS} | {"plan": asdict(held.plan)}
    save_memory(connection, model.plan.name, version, _TRAIL, json.dumps(body, default=str).encode())


def save_made(connection: Connection, model: Model, made: Made, wall: Instant) -> None:
    """Keep the references that were made, with their rows, and no longer what was held for them."""
    for version, pieces in [*made.emptied.items(), *model.unwanted.items()]:
        _delete(connection, model, version, pieces)
    model.unwanted = {}
    for version in made.reduced:
        save_again(connection, model, version)
    for version, followed in made.followed.items():
        _save_followed(connection, model, version, followed)
    for version, (frozen, rows) in made.frozen.items():
        judge = model.references.judge(version)
        id_ = "" if judge is None else judge.reference.id
        info = asdict(frozen) | {"made_at": to_text(frozen.at), "rows": rows.num_rows}
        save_reference(connection, Reference(id_, model.plan.name, version, wall, info, to_bytes(rows)))
        if version in made.followed:
            forget_rows(connection, model.plan.name, version, id_)
            delete_panes(connection, model.plan.name, FOREVER, version)
            what = MADE if frozen.before is None else RENEWED
            append(
                connection, wall, "driftline", what, {"model": model.plan.name, "version": version, "id": id_} | info
            )


def _save_followed(connection: Connection, model: Model, version: str, followed: Followed) -> None:
    """Keep what a close changed of a trail."""
    held = model.gathered.get(version)
    _delete(connection, model, version, [f"{_STEP}{at}" for at in followed.gone])
    if not isinstance(held, Trail):
        _delete(connection, model, version, [_TRAIL])
        return
    for at in followed.settled.keys() & held.closed.keys():
        save_memory(connection, model.plan.name, version, f"{_STEP}{at}", held.closed[at])
    if held.pieces:
        save_again(connection, model, version)
    _save_trail(connection, model, version, held)


def load_made(connection: Connection, model: str) -> dict[str, tuple[Frozen, pa.Table]]:
    """Return what references were made of, by version: of each the last."""
    last: dict[str, Reference] = {}
    for each in list_references(connection, model):
        if each.version not in last or each.info["at"] > last[each.version].info["at"]:
            last[each.version] = each
    found = {}
    for version, each in sorted(last.items()):
        kept = load_reference(connection, model, version, each.id)
        if kept is not None:
            facts = {name: kept.info[name] for name in Frozen.__slots__ if name in kept.info}
            found[version] = (Frozen(**facts), from_bytes([kept.payload]))
    return found


def load_gathered(model: Model, version: str, pieces: Mapping[str, bytes]) -> None:
    """Take what was held of a version; where the config no longer asks for it, it goes with the next transaction."""
    names = sorted((name for name in pieces if name.startswith(_PIECE)), key=lambda name: int(name[len(_PIECE) :]))
    steps = [name for name in pieces if name.startswith(_STEP)]
    most, trailing = model.references.wanted_rows(version), model.references.trailing(version)
    kept = json.loads(pieces[_TRAIL]) if _TRAIL in pieces else None
    asked = None if trailing is None else json.loads(json.dumps(asdict(trailing), default=str))
    if (None if kept is None else kept["plan"]) != asked or (kept is None and most is None):
        model.unwanted |= {version: [*names, *steps, *([] if kept is None else [_TRAIL])]} if names or kept else {}
        return
    rows = from_bytes([pieces[name] for name in names])
    if trailing is not None and kept is not None:
        closed = {int(name[len(_STEP) :]): pieces[name] for name in steps}
        facts = {name: kept[name] for name in _FACTS}
        model.gathered[version] = Trail(trailing, rows=rows, pieces=names, closed=closed, **facts)
    elif names and most is not None:
        model.gathered[version] = Gathered(most, rows, names)
