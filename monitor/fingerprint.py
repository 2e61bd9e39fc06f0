"""The fingerprint of a reference: of its rows, the settings that shape it, and what was derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def fingerprint(
    table: pa.Table, times: NDArray[np.int64] | None, settings: Iterable[str], derived: Sequence[str]
) -> str:
    """Return the id of a reference.

    Parameters
    ----------
    table: its columns by key, in order of time; n rows.
    times: event times in microseconds, shape (n,), or ``None``.
    settings: all that shapes it, as text.
    derived: what was frozen for derived columns, as text; without any, the id is that of rows and settings alone.
    """
    digest = sha256()
    digest.update("|".join(settings).encode())
    if times is not None:
        digest.update(np.ascontiguousarray(times).tobytes())
    for name in table.column_names:
        digest.update(name.encode("utf-8", "surrogatepass"))
        digest.update(_column_bytes(table[name]))
    for spec in derived:
        digest.update(f"derived:{spec}".encode("utf-8", "surrogatepass"))
    return f"sha256:{digest.hexdigest()[:12]}"


def _column_bytes(array: pa.ChunkedArray) -> bytes:
    """Return a column's rows as bytes that depend on nothing else: not on chunks, nor on what lies under a null."""
    valid: bytes = array.is_valid().to_numpy(zero_copy_only=False).tobytes()
    values = array.drop_null()
    if pa.types.is_string(array.type):
        lengths = pc.binary_length(values).to_numpy(zero_copy_only=False).tobytes()
        return b"".join((valid, lengths, *(text.encode("utf-8", "surrogatepass") for text in values.to_pylist())))
    if pa.types.is_floating(array.type) or pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return valid + np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).tobytes()
    return valid + repr(values.to_pylist()).encode("utf-8", "surrogatepass")
