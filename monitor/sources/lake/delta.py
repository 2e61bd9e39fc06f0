"""The log of a Delta table: a file of JSON a commit, each with what it added and removed.

Read by Delta's own protocol, not by a library: a commit says of each file whether it holds new rows or is older ones
written anew, and no library hands that on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from monitor.record import Reason
from monitor.sources.lake.checkpoint import checkpoint_actions, checkpoints
from monitor.sources.lake.log import DataFile, Gap, Mark, Step, Unfit, in_order, least_time, read_whole
from monitor.sources.lake.place import key_of
from monitor.sources.objects.store import Entry, Gone, Store, Unreachable

_COMMIT = re.compile(r"(\d{20})\.json")
_FEATURES = {
    "appendOnly",
    "changeDataFeed",
    "deletionVectors",
    "domainMetadata",
    "rowTracking",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "columnMapping",
}
"""Features of the protocol that change nothing of how a file's rows are read, or are refused where they would."""
_PLAIN_READER = 3
_MILLISECOND = 1_000_000

Action = Mapping[str, Any]


class DeltaLog:
    """Reads one table's log.

    Parameters
    ----------
    folder: the table's, as its store names it. times: the columns that may hold the event time.
    """

    def __init__(self, store: Store, folder: str, times: Sequence[str]) -> None:
        self._store, self._folder, self._times = store, folder.rstrip("/"), times

    def first(self) -> Step | None:
        """Return all that stands in the table now.

        Raises
        ------
        Unreachable, Unfit: it cannot be read, now or as it is.
        """
        versions = self._versions()
        return self._whole(versions[-1]) if versions else None

    def at(self, mark: Mark) -> Step:
        """Return what a place means again.

        Raises
        ------
        Gap: it was cleaned away. Unreachable, Unfit: as :meth:`first`.
        """
        if mark.whole:
            return self._whole(mark.version)
        try:
            return self._step(mark.table, mark.version)
        except Gone:
            raise Gap(Reason.LOST, _cleaned(mark.version)) from None

    def after(self, mark: Mark) -> Step | None:
        """Return what comes next.

        Raises
        ------
        Gap: it was cleaned away, or the table is another one. Unreachable, Unfit: as :meth:`first`.
        """
        try:
            if self._print(self._commit(mark.version)) != mark.print:
                raise Gap(Reason.REPLACED, "was removed and made anew")
        except Gone:
            self._judge(mark)
        try:
            return self._step(mark.table, mark.version + 1)
        except Gone:
            return None

    def beyond(self, mark: Mark) -> Step | None:
        """Return all that stands in a table that was made anew, or the first commit that is still there."""
        versions = self._versions()
        if not versions or self._table(versions) != mark.table:
            return self.first()
        behind = [version for version in versions if version > mark.version]
        return self._step(mark.table, behind[0]) if behind else self._whole(versions[-1], files=False)

    def _judge(self, mark: Mark) -> None:
        """Say what it means that a commit that was read is no more."""
        versions = self._versions()
        if not versions:
            raise Unreachable("has no log any more")
        if self._table(versions) != mark.table or versions[-1] < mark.version:
            raise Gap(Reason.REPLACED, "was removed and made anew")
        if mark.version + 1 not in versions:
            raise Gap(Reason.LOST, _cleaned(mark.version + 1))

    def _versions(self) -> list[int]:
        """Return the commits that are there, without what lies before a commit that is not."""
        names = [entry.key.rpartition("/")[2] for entry in self._store.folder(f"{self._folder}/_delta_log")]
        found = sorted(int(match[1]) for name in names if (match := _COMMIT.fullmatch(name)))
        gaps = [place for place in range(1, len(found)) if found[place] != found[place - 1] + 1]
        return found[gaps[-1] :] if gaps else found

    def _commit(self, version: int) -> bytes:
        return read_whole(self._store, f"{self._folder}/_delta_log/{version:020d}.json")

    def _print(self, data: bytes) -> str:
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    def _table(self, versions: Sequence[int]) -> str:
        """Return the id of the table, as the newest commit that says it has it."""
        found = checkpoints(self._store, self._folder, versions[-1])
        told = checkpoint_actions(self._store, found[-1], ("metaData",)) if found else self._actions(versions[0])
        ids = [action["metaData"]["id"] for action in told if action.get("metaData")]
        return str(ids[-1]) if ids else ""

    def _actions(self, version: int) -> list[Action]:
        return _parsed(self._commit(version), version)

    def _step(self, table: str, version: int) -> Step:
        """Return what a commit added.

        Raises
        ------
        Gone: there is no such commit.
        """
        data = self._commit(version)
        actions = _parsed(data, version)
        _check(actions)
        adds = [action["add"] for action in actions if action.get("add") and action["add"].get("dataChange", True)]
        removed = sum(1 for action in actions if action.get("remove") and action["remove"].get("dataChange", True))
        ids = [action["metaData"]["id"] for action in actions if action.get("metaData")]
        mark = Mark(str(ids[-1]) if ids else table, version, print=self._print(data))
        if removed and mark.table == table:
            return Step(mark, (), f"commit {version} changed or removed rows of {removed} files: {_STAYS}")
        changed = f"commit {version} made the table anew" if removed else None
        return Step(mark, self._files(adds), changed)

    def _whole(self, version: int, *, files: bool = True) -> Step:
        """Return all that stood in the table at a commit.

        Raises
        ------
        Gap: that cannot be told any more.
        """
        found = checkpoints(self._store, self._folder, version)
        start = found[-1].version + 1 if found else 0
        wanted = ("add", "metaData", "protocol", "sidecar")
        live: dict[str, Action] = {}
        told: list[Action] = []
        try:
            for actions in (
                checkpoint_actions(self._store, found[-1], wanted) if found else [],
                *map(self._actions, range(start, version + 1)),
            ):
                for action in actions:
                    _apply(live, action)
                    if action.get("metaData") or action.get("protocol"):
                        told.append(action)
            print_ = self._print(self._commit(version))
        except Gone:
            raise Gap(Reason.LOST, _cleaned(start)) from None
        _check(told)
        ids = [action["metaData"]["id"] for action in told if action.get("metaData")]
        mark = Mark(str(ids[-1]) if ids else "", version, whole=True, print=print_)
        return Step(mark, self._files(live.values()) if files else ())

    def _files(self, adds: Iterable[Action]) -> tuple[DataFile, ...]:
        return in_order(map(self._file, adds))

    def _file(self, add: Action) -> DataFile:
        if add.get("deletionVector"):
            raise Unfit(
                "has deletion vectors, which are not read: rows that were deleted would count;"
                " write its files anew with REORG TABLE … APPLY (PURGE)"
            )
        stats = _stats(add.get("stats"))
        rows = stats.get("numRecords")
        values = dict(add.get("partitionValues") or {})
        least = {**_mapping(stats.get("minValues")), **values}
        return DataFile(
            Entry(key_of(unquote(add["path"]), self._folder), int(add.get("size") or 0), _written(add)),
            {name: value for name, value in values.items() if value is not None},
            rows if isinstance(rows, int) else None,
            least_time(least, self._times),
        )


_STAYS = "what was read of them stays counted, and what it wrote is not read"


def _written(add: Action) -> int:
    return int(add.get("modificationTime") or 0) * _MILLISECOND


def _cleaned(version: int) -> str:
    return f"commit {version} was cleaned from its log before it was read"


def _parsed(data: bytes, version: int) -> list[Action]:
    """Return the actions of a commit.

    Raises
    ------
    Unreachable: it is not written to its end yet.
    """
    try:
        found = [json.loads(line) for line in data.splitlines() if line.strip()]
    except ValueError:
        found = []
    if not found or not all(isinstance(action, dict) for action in found):
        raise Unreachable(f"has a commit {version} that is not whole")
    return found


def _apply(live: dict[str, Action], action: Action) -> None:
    """Carry out an action on the files that stand in the table."""
    if action.get("add"):
        live[_name(action["add"])] = action["add"]
    elif action.get("remove"):
        live.pop(_name(action["remove"]), None)


def _name(file: Action) -> str:
    """Return what tells a file from others: its path, and which of its rows are deleted."""
    vector = _mapping(file.get("deletionVector"))
    return f"{file['path']} {vector.get('storageType', '')}{vector.get('pathOrInlineDv', '')}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _stats(text: Any) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text)) if isinstance(text, str) else {}
    except ValueError:
        return {}


def _check(actions: Iterable[Action]) -> None:
    """Refuse a table whose rows are not what its files hold as they are.

    Raises
    ------
    Unfit: it is one.
    """
    for action in actions:
        protocol, meta = _mapping(action.get("protocol")), _mapping(action.get("metaData"))
        unknown = sorted({*(protocol.get("readerFeatures") or ())} - _FEATURES)
        if unknown or int(protocol.get("minReaderVersion") or 1) > _PLAIN_READER:
            raise Unfit(f"needs of its readers what this version has not: {', '.join(unknown) or 'a newer protocol'}")
        if _mapping(dict(meta.get("configuration") or {})).get("delta.columnMapping.mode", "none") != "none":
            raise Unfit("names its columns otherwise in its files (delta.columnMapping.mode), which is not read")
