"""Checkpoints of a Delta table's log: all that stood in the table at a commit, as Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from monitor.sources.formats.parquet import open_checked
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.lake.log import Unfit, read_whole
from monitor.sources.objects.store import Entry, Store, Unreachable

_NAME = re.compile(
    r"(?P<version>\d{20})\.checkpoint(\.(?P<part>\d{10})\.(?P<parts>\d{10})|\.[0-9a-f-]{36})?\.(parquet|json)"
)
_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The files of one checkpoint, which is of one version."""

    version: int
    keys: tuple[str, ...]


def checkpoints(store: Store, folder: str, most: int) -> list[Checkpoint]:
    """Return the whole checkpoints of versions up to ``most``, the oldest first."""
    found: dict[tuple[int, int], list[str]] = {}
    for entry in store.folder(f"{folder}/_delta_log"):
        match = _NAME.fullmatch(entry.key.rpartition("/")[2])
        if match and int(match["version"]) <= most:
            found.setdefault((int(match["version"]), int(match["parts"] or 0)), []).append(entry.key)
    whole = {(version, parts): sorted(keys) for (version, parts), keys in found.items() if len(keys) >= parts}
    return [Checkpoint(version, tuple(keys if parts else keys[:1])) for (version, parts), keys in sorted(whole.items())]


def checkpoint_actions(store: Store, checkpoint: Checkpoint, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the actions of some kinds.

    Raises
    ------
    Gone: the checkpoint, or a part of it, is no more. Unreachable: it cannot be read now. Unfit: it is damaged.
    """
    for key in checkpoint.keys:
        for action in _rows(store, key, kinds):
            if not action.get("sidecar"):
                yield action
                continue
            name = action["sidecar"]["path"].rpartition("/")[2]
            yield from _rows(store, f"{key.rpartition('/')[0]}/_sidecars/{name}", kinds)


def _rows(store: Store, key: str, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    if key.endswith(".json"):
        yield from map(json.loads, read_whole(store, key).splitlines())
        return
    opened = store.open(Entry(key))
    try:
        reader, columns = open_checked(opened.file, lambda schema: [name for name in kinds if name in schema.names])
        for batch in reader.iter_batches(_ROWS, columns=columns, use_threads=False):
            yield from ({name: value for name, value in row.items() if value} for row in batch.to_pylist())
    except (Unreadable, pa.ArrowException, OSError) as error:
        if opened.trouble is not None:  # what looks like damage is what did not come
            raise Unreachable(f"cannot be read now ({opened.trouble})") from None
        why = str(error) if isinstance(error, Unreadable) else type(error).__name__
        raise Unfit(f"has a checkpoint that cannot be read: {why}") from None
    finally:
        opened.close()
