"""Where a file of a table lies, as the table's log names it and as the store does."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/*", re.IGNORECASE)


def key_of(path: str, folder: str, location: str | None = None) -> str:
    """Return the key of a file.

    Parameters
    ----------
    path: as the log has it, relative to the table or with all that is before. folder: where the table lies now.
    location: where the table says that it lies; what lies below is looked for below ``folder``, as tables are copied.

    >>> key_of("day=1/a.parquet", "bucket/t")
    'bucket/t/day=1/a.parquet'
    >>> key_of("s3a://old/t/data/a.parquet", "bucket/t", "s3://old/t/")
    'bucket/t/data/a.parquet'
    >>> key_of("file:///data/a.parquet", "/logs/t")
    '/data/a.parquet'
    """
    bare = _bare(path)
    below = None if location is None else f"{_bare(location).rstrip('/')}/"
    if below is not None and bare.startswith(below):
        return f"{folder}/{bare.removeprefix(below)}"
    return bare if bare != path or path.startswith("/") else f"{folder}/{path}"


def _bare(path: str) -> str:
    """Return a path without its scheme; that of a folder of this machine begins with a slash."""
    found = _SCHEME.match(path)
    if found is None:
        return path
    return f"/{path[found.end() :]}" if found[0].lower().startswith("file:") else path[found.end() :]
