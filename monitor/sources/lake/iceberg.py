"""The log of an Iceberg table: a file of JSON that names its snapshots, and of each which files it added.

Read by Iceberg's own specification: the table's files name each other, and no catalog is asked.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from monitor.record import Reason
from monitor.sources.lake.avro import rows_of
from monitor.sources.lake.log import DataFile, Gap, Mark, Step, Unfit, in_order, least_time, read_whole
from monitor.sources.lake.metadata import Json, Table, table_of
from monitor.sources.lake.place import key_of
from monitor.sources.objects.store import Entry, Gone, Store, Unreachable

_NAME = re.compile(r"v?(?P<number>\d+)(-[^/]*)?(\.gz)?\.metadata\.json(\.gz)?")
_EXISTING, _ADDED = 0, 1
_DATA = 0
_GZIP = b"\x1f\x8b"
_EXPIRED = "snapshots expired before they were read"
_STAYS = "what was read of them stays counted, and what it wrote is not read"
_DELETES = (
    "has delete files, which are not read: rows that were deleted would count;"
    " write its data files anew with rewrite_data_files"
)


class IcebergLog:
    """Reads one table's metadata.

    Parameters
    ----------
    folder: the table's, as its store names it. times: the columns that may hold the event time.
    """

    def __init__(self, store: Store, folder: str, times: Sequence[str]) -> None:
        self._store, self._folder, self._times = store, folder.rstrip("/"), times
        self._read: tuple[Entry, Table] | None = None

    def first(self) -> Step | None:
        """Return all that stands in the table now.

        Raises
        ------
        Unreachable, Unfit: it cannot be read, now or as it is.
        """
        table = self._table()
        if table is None or table.current is None:
            return None
        return self._whole(table, table.current)

    def at(self, mark: Mark) -> Step:
        """Return what a place means again.

        Raises
        ------
        Gap: it was cleaned away. Unreachable, Unfit: as :meth:`first`.
        """
        table = self._same(mark)
        if mark.version not in table.snapshots:
            raise Gap(Reason.LOST, _EXPIRED)
        return self._whole(table, mark.version) if mark.whole else self._step(table, mark.version)

    def after(self, mark: Mark) -> Step | None:
        """Return what comes next.

        Raises
        ------
        Gap: it was cleaned away, or the table is another one. Unreachable, Unfit: as :meth:`first`.
        """
        table = self._same(mark)
        if table.current == mark.version:
            return None
        line = table.line()
        if mark.version in line:
            return self._step(table, line[line.index(mark.version) - 1])
        if mark.version not in table.snapshots:
            raise Gap(Reason.LOST, _EXPIRED)
        raise Gap(Reason.REPLACED, "was set back to an earlier snapshot: what was read of later ones stays counted")

    def beyond(self, mark: Mark) -> Step | None:
        """Return all that stands in a table that was made anew, or the first snapshot that was not read."""
        table = self._table()
        if table is None or table.id != mark.table or table.current is None:
            return self.first()
        line = table.line()
        shared = table.ancestors(mark.version)
        unread = [each for each in line if each not in shared]
        return Step(Mark(table.id, line[0])) if not unread else self._step(table, unread[-1])

    def _same(self, mark: Mark) -> Table:
        table = self._table()
        if table is None or table.current is None:
            raise Unreachable("has no snapshot any more")
        if table.id != mark.table:
            raise Gap(Reason.REPLACED, "was removed and made anew")
        return table

    def _table(self) -> Table | None:
        """Return what the newest metadata say; ``None`` if there are none."""
        named = [(match, entry) for entry in self._store.folder(f"{self._folder}/metadata") if (match := _named(entry))]
        if not named:
            return None
        newest = max(named, key=lambda each: (int(each[0]["number"]), each[1].changed))[1]
        if self._read is None or self._read[0] != newest:
            self._read = newest, self._parsed(newest)
        return self._read[1]

    def _parsed(self, entry: Entry) -> Table:
        name = entry.key.rpartition("/")[2]
        try:
            data = read_whole(self._store, entry.key)
            told = json.loads(gzip.decompress(data) if data[:2] == _GZIP else data)
        except Gone:
            raise Unreachable(f"lost {name} while it was read") from None
        except ValueError:
            raise Unreachable(f"has metadata that are not whole ({name})") from None
        return table_of(told)

    def _whole(self, table: Table, version: int) -> Step:
        """Return all that stood in the table at a snapshot."""
        files: list[DataFile] = []
        for manifest in self._manifests(table, version):
            if manifest.get("content", _DATA) != _DATA:
                if any(entry["status"] in {_EXISTING, _ADDED} for entry in self._entries(table, manifest)):
                    raise Unfit(_DELETES)
                continue
            kept = [entry for entry in self._entries(table, manifest) if entry["status"] in {_EXISTING, _ADDED}]
            files += self._files(table, manifest, kept)
        return Step(Mark(table.id, version, whole=True), in_order(files))

    def _step(self, table: Table, version: int) -> Step:
        """Return what a snapshot appended."""
        operation = (table.snapshots[version].get("summary") or {}).get("operation", "append")
        mark = Mark(table.id, version)
        if operation == "replace":
            return Step(mark)
        if operation != "append":
            return Step(mark, (), f"a snapshot changed or removed rows ({operation}): {_STAYS}")
        files: list[DataFile] = []
        deletes = False
        for manifest in self._manifests(table, version):
            if manifest.get("added_snapshot_id") not in {None, version}:
                continue
            if manifest.get("content", _DATA) != _DATA:
                deletes = True
                continue
            added = [
                entry
                for entry in self._entries(table, manifest)
                if entry["status"] == _ADDED and entry.get("snapshot_id") in {None, version}
            ]
            files += self._files(table, manifest, added)
        changed = "a snapshot removed rows by delete files: what was read of them stays counted" if deletes else None
        return Step(mark, in_order(files), changed)

    def _manifests(self, table: Table, version: int) -> Iterator[Json]:
        """Yield what a snapshot says of its manifests.

        Raises
        ------
        Gap: it is no more.
        """
        snapshot = table.snapshots[version]
        try:
            if "manifest-list" not in snapshot:  # the first version of the format may name them one by one
                yield from ({"manifest_path": path} for path in snapshot.get("manifests") or ())
                return
            yield from rows_of(read_whole(self._store, self._key(table, snapshot["manifest-list"])))
        except Gone:
            raise Gap(Reason.LOST, _EXPIRED) from None

    def _entries(self, table: Table, manifest: Json) -> Iterator[Json]:
        try:
            yield from rows_of(read_whole(self._store, self._key(table, manifest["manifest_path"])))
        except Gone:
            raise Gap(Reason.LOST, _EXPIRED) from None

    def _files(self, table: Table, manifest: Json, entries: Iterable[Json]) -> Iterator[DataFile]:
        for entry in entries:
            file = entry["data_file"]
            number = entry.get("sequence_number") or manifest.get("sequence_number") or 0
            kind = str(file.get("file_format", "")).upper()
            yield DataFile(
                Entry(self._key(table, file["file_path"]), int(file.get("file_size_in_bytes") or 0), int(number)),
                table.constants(manifest.get("partition_spec_id") or 0, file.get("partition") or {}),
                file.get("record_count"),
                least_time(table.least(file, self._times), self._times),
                None if kind == "PARQUET" else f"is {kind}, and only Parquet is read",
                table.names,
            )

    def _key(self, table: Table, path: str) -> str:
        return key_of(path, self._folder, table.location)


def _named(entry: Entry) -> re.Match[str] | None:
    return None if entry.is_folder else _NAME.fullmatch(entry.key.rpartition("/")[2])
