"""Directions to project vectors on, in whole numbers, the same on every machine."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from monitor.bins import Floats

_ITERATIONS = 12
_EXACT_BITS = 53
_SMALL = 1e-9


def signs(length: int, number: int) -> Floats:
    """Return directions of plus and minus one, (length, number): bits of SHA-256, as good as drawn.

    Source: Achlioptas (2003), Database-friendly random projections, JCSS 66:671.

    >>> signs(3, 2).tolist()
    [[-1.0, -1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    columns = []
    for place in range(number):
        blocks = [sha256(f"direction {place} {block}".encode()).digest() for block in range(-(-length // 256))]
        bits = np.unpackbits(np.frombuffer(b"".join(blocks), np.uint8))[:length]
        columns.append(bits * 2.0 - 1.0)
    return np.column_stack(columns) if columns else np.zeros((length, 0))


def leading(centred: Floats, number: int, bits: int) -> Floats:
    """Return about the leading principal directions of rows, times 2**bits and rounded, (length, number).

    Orthogonal iteration (Golub & Van Loan 2013, Matrix Computations, section 8.2.4) on whole numbers, of which no sum
    reaches 2**53: what is summed in parallel is exact.

    Parameters
    ----------
    centred: whole numbers up to 2**(bits + 1), (rows, length).
    """
    rows, length = centred.shape
    basis = _orthonormal(signs(length, number))
    fine = bits - 1
    back = _EXACT_BITS - 2 - bits - int(np.ceil(np.log2(max(rows, 2))))
    for _ in range(_ITERATIONS if rows else 0):
        scores = centred @ np.rint(basis * 2.0**fine)
        scale = np.maximum(np.abs(scores).max(axis=0), 1.0)
        basis = _orthonormal(centred.T @ np.rint(scores / scale * 2.0**back))
    return np.rint(basis * 2.0**bits)


def _orthonormal(columns: Floats) -> Floats:
    """Return columns made orthogonal one after the other; one without a part of its own becomes a unit direction."""
    found: list[Floats] = []
    for place in range(columns.shape[1]):
        column = np.ascontiguousarray(columns[:, place])
        column = column / max(float(np.abs(column).max()), 1.0)
        size = _norm(column)
        for _ in range(2):  # twice is enough (Parlett 1998)
            for other in found:
                column = column - (column * other).sum() * other
        if _norm(column) <= _SMALL * size or size == 0:
            column = np.zeros(len(column))
            column[place % len(column)] = 1.0
        found.append(column / _norm(column))
    return np.column_stack(found)


def _norm(column: Floats) -> float:
    return float(np.sqrt((column * column).sum()))
