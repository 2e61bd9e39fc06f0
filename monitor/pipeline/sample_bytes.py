"""The rows that are held for a child, to the store and back: a piece a batch.

A close that let go of some writes the rest anew. Each kind of sample has its own word before the numbers of its pieces.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from monitor.apart.sample import Sample
from monitor.pipeline.gathering import to_bytes
from monitor.store.database import Connection
from monitor.store.memory import delete_memory, save_memory

_MOST_PIECES = 64
"""A live tail adds a piece a second; so many become one."""
Whose = tuple[str, str, str]
"""The model, the version, and the word before the pieces' numbers."""


def add_rows(connection: Connection, whose: Whose, sample: Sample, rows: pa.Table) -> None:
    """Keep the rows of a batch that are held."""
    if len(sample.pieces) >= _MOST_PIECES:
        _save_again(connection, whose, sample)
    else:
        _save(connection, whose, sample, rows)


def save_reduced(connection: Connection, whose: Whose, sample: Sample) -> None:
    """Keep what is held still, if some was let go of."""
    if sample.reduced:
        _save_again(connection, whose, sample)


def forget_rows(connection: Connection, whose: Whose, sample: Sample) -> None:
    """Keep nothing any more."""
    model, version, _ = whose
    for piece in sample.pieces:
        delete_memory(connection, model, version, piece)
    sample.pieces = []


def pieces_of(word: str, pieces: Mapping[str, bytes]) -> list[str]:
    """Return under which names rows are kept, in their order."""
    return sorted((name for name in pieces if name.startswith(word)), key=lambda name: int(name[len(word) :]))


def hold_pieces(sample: Sample, pieces: Mapping[str, bytes]) -> None:
    """Hold the rows that are kept under the sample's names."""
    for name in sample.pieces:
        sample.hold(pa.ipc.open_stream(pieces[name]).read_all())


def _save_again(connection: Connection, whose: Whose, sample: Sample) -> None:
    forget_rows(connection, whose, sample)
    sample.reduced = False
    rows = sample.rows
    if rows is not None:
        _save(connection, whose, sample, rows)


def _save(connection: Connection, whose: Whose, sample: Sample, rows: pa.Table) -> None:
    model, version, word = whose
    piece = f"{word}{len(sample.pieces)}"
    sample.pieces.append(piece)
    save_memory(connection, model, version, piece, to_bytes(rows))
