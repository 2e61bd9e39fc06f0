"""The state's directory: private to its owner, and held by one daemon at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import FatalError

_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600
_OTHERS = 0o077
_TRIES = 5
_PAUSE_SECONDS = 0.05
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a state: its number, and the host that it runs on."""

    pid: int
    host: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def make_private(directory: Path) -> None:
    """Create the directory, or take the rights of others away from one that is ours.

    Raises
    ------
    FatalError: E313, it cannot be made.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
        status = directory.stat()
        # A volume mounted for us often belongs to root: its files are private anyway.
        if status.st_uid == os.geteuid() and status.st_mode & _OTHERS:
            directory.chmod(_PRIVATE_DIRECTORY)
    except OSError as error:
        raise _unusable(directory, error) from error


def create_private(path: Path, flags: int = 0) -> int:
    """Open a file that only its owner can read, whatever the umask, and return its descriptor.

    Raises
    ------
    OSError: it cannot be opened.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, _PRIVATE_FILE)


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on the disk.

    Raises
    ------
    OSError: they could not be.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(directory: Path) -> int:
    """Hold the directory until the descriptor that is returned is closed or the process ends.

    Tries for a quarter of a second, so that a look by ``holder`` never keeps a daemon from starting.

    Raises
    ------
    FatalError: E310, another process holds it; E313, the lock cannot be opened.
    """
    try:
        descriptor = create_private(directory / _LOCK)
    except OSError as error:
        raise _unusable(directory, error) from error
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            os.close(descriptor)
            raise _unusable(directory, error) from error
        else:
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
            return descriptor
    held_by = _read(descriptor)
    os.close(descriptor)
    raise FatalError(
        "E310",
        f"the state in {directory} is held by {held_by or 'another process'}",
        "stop that daemon first, or give this one another state.directory",
    )


def holder(directory: Path) -> Holder | None:
    """Return who holds the directory now, or ``None``."""
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    except OSError:
        return None
    else:
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Holder | None:
    pid, _, host = os.pread(descriptor, 512, 0).decode("utf-8", "replace").strip().partition(" ")
    return Holder(int(pid), host) if pid.isascii() and pid.isdigit() else None


def _unusable(directory: Path, error: OSError) -> FatalError:
    why = error.strerror or type(error).__name__
    return FatalError(
        "E313",
        f"the state directory {directory} cannot be used: {why}",
        "check state.directory, who owns it and whether its file system is writable",
    )
