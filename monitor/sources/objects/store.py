"""A bucket, or a folder, as Arrow has it: what lies in one folder of it, and one object opened."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from monitor.sources.objects.settings import StoreSettings

_TOLD = re.compile(r"AWS Error (\w+) during (\w+)")
_WHOLE_BYTES = 8 * 2**20
"""An object up to this size is had at once: more requests would cost more than the bytes."""
_CONNECT_SECONDS, _REQUEST_SECONDS = 5.0, 30.0


class Unreachable(Exception):
    """The store does not answer now, or refuses; the text is for people and holds no secret."""


class Gone(Exception):
    """The object is no more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds: an object, with its size in bytes and when it was last changed, or a folder below.

    ``changed`` is in nanoseconds since 1970; -1 of a folder.
    """

    key: str
    size: int = 0
    changed: int = -1

    @property
    def is_folder(self) -> bool:
        """Say whether it is a folder."""
        return self.changed < 0


class _Watched(io.RawIOBase):
    """An object that is read piece by piece, and remembers that its store failed."""

    def __init__(self, file: pa.NativeFile, size: int) -> None:
        self._file, self._size, self._at = file, size, 0
        self.trouble: str | None = None

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return bytes(self._file.read_at(length, offset))
        except OSError as error:
            self.trouble = told(error)
            raise

    def read(self, size: int = -1) -> bytes:
        part = self.read_at(self._at, min(size, self._size - self._at) if size >= 0 else self._size - self._at)
        self._at += len(part)
        return part

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


class Opened:
    """An object that is open.

    Attributes
    ----------
    version: a name of what it held when it was opened. length: in bytes. at_once: all of it is here.
    """

    def __init__(self, file: pa.NativeFile, version: str, size: int) -> None:
        self.version, self.length, self.at_once = version, size, size <= _WHOLE_BYTES
        self._watched: _Watched | None = None
        if self.at_once:
            with file:
                self.file = pa.BufferReader(file.read_buffer())
        else:
            self._watched = _Watched(file, size)
            self.file = pa.PythonFile(self._watched, mode="r")

    @property
    def trouble(self) -> str | None:
        """Say what the store answered instead of bytes, if it did."""
        return None if self._watched is None else self._watched.trouble

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only where the object ends."""
        least = min(length, self.length - offset)
        if least <= 0:
            return b""
        return (
            bytes(self.file.read_at(least, offset)) if self._watched is None else self._watched.read_at(offset, least)
        )

    def next_data(self, offset: int) -> int | None:
        """Return the offset itself: an object has no holes."""
        return offset

    def size(self, most: int) -> int:
        """Return how many bytes there are, at most ``most``."""
        return min(most, self.length)

    def close(self) -> None:
        """Give it back."""
        self.file.close()


class Store(Protocol):
    """Where objects lie."""

    def folder(self, path: str) -> Iterator[Entry]:
        """Yield what lies in one folder; nothing if there is none."""
        ...

    def open(self, entry: Entry) -> Opened:
        """Open an object."""
        ...


class ArrowStore:
    """A file system of Arrow."""

    def __init__(self, system: Any) -> None:
        self._system = system

    def folder(self, path: str) -> Iterator[Entry]:
        """Yield what lies in one folder; nothing if there is none.

        Raises
        ------
        Unreachable: it cannot be listed now.
        """
        from pyarrow.fs import FileSelector, FileType

        try:
            found = self._system.get_file_info(FileSelector(path))
        except FileNotFoundError:  # a store has no folders: one without an object is none
            return
        except OSError as error:
            raise Unreachable(f"cannot be listed now ({told(error)})") from None
        for info in found:
            if info.type == FileType.Directory:
                yield Entry(info.path)
            elif info.type == FileType.File:
                yield Entry(info.path, info.size, info.mtime_ns or 0)

    def open(self, entry: Entry) -> Opened:
        """Open an object.

        Raises
        ------
        Gone: there is none. Unreachable: it cannot be read now.
        """
        try:
            file = self._system.open_input_file(entry.key)
            return Opened(file, _version(file.metadata(), entry), file.size())
        except FileNotFoundError:
            raise Gone(entry.key) from None
        except OSError as error:
            raise Unreachable(f"cannot be read now ({told(error)})") from None


def _version(metadata: Any, entry: Entry) -> str:
    tag = (metadata or {}).get(b"ETag") or (metadata or {}).get("ETag")
    return f"{entry.changed}:{entry.size}" if tag is None else tag.decode("ascii", "replace")[:200]


def told(error: OSError) -> str:
    """Say what a store answered, without its address or anything it holds."""
    found = _TOLD.search(str(error))
    return f"{found[1]} to {found[2]}" if found else error.strerror or type(error).__name__


def open_store(settings: StoreSettings, root: Path) -> tuple[ArrowStore, str]:
    """Return the store that a path lies in, and the path there.

    Raises
    ------
    Unreachable: it cannot be spoken to with these settings.
    """
    scheme, given, rest = settings.path.partition("://")
    if not given or scheme == "file":
        from pyarrow.fs import LocalFileSystem

        return ArrowStore(LocalFileSystem()), _local(settings.path if not given else rest, root)
    try:
        return _remote(scheme, rest, settings)
    except (OSError, ValueError, ImportError, NotImplementedError) as error:
        raise Unreachable(f"cannot be opened ({type(error).__name__})") from None


def _local(path: str, root: Path) -> str:
    tail = "/" if path.endswith("/") else ""
    return str(root.absolute() / path) + tail


def _remote(scheme: str, rest: str, settings: StoreSettings) -> tuple[ArrowStore, str]:
    protocol, _, host = (settings.endpoint or "").rstrip("/").partition("://")
    secret = None if settings.secret_key is None else settings.secret_key.get_secret_value()
    token = None if settings.session_token is None else settings.session_token.get_secret_value()
    at: dict[str, Any] = {"scheme": protocol, "endpoint_override": host} if host else {}
    if scheme == "s3":
        from pyarrow.fs import S3FileSystem

        login = {"access_key": settings.access_key, "secret_key": secret, "session_token": token}
        system = S3FileSystem(
            **{name: value for name, value in login.items() if value is not None},
            **at,
            anonymous=settings.anonymous,
            region=settings.region,
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_REQUEST_SECONDS,
        )
        return ArrowStore(system), rest
    if scheme == "gs":
        from datetime import timedelta

        from pyarrow.fs import GcsFileSystem

        limit = timedelta(seconds=_REQUEST_SECONDS)
        return ArrowStore(GcsFileSystem(anonymous=settings.anonymous, retry_time_limit=limit, **at)), rest
    from pyarrow.fs import AzureFileSystem

    container, _, path = rest.partition("/")
    container, _, named = container.partition("@")
    account = named.partition(".")[0] or settings.account
    azure = {"blob_storage_authority": host, "blob_storage_scheme": protocol} if host else {}
    return ArrowStore(AzureFileSystem(account, account_key=secret, sas_token=token, **azure)), f"{container}/{path}"
