"""The folder that the demo runs in: its config, the secret it shares with the retraining job, and room for logs."""

from __future__ import annotations

import base64
import fcntl
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

from monitor.errors import ConfigError, FatalError, Fault

CONFIG = "config.yaml"
SECRET = "retrain.secret"  # noqa: S105 - the name of a file
_MARK = ".driftline-demo"
_MADE = ("logs", "targets", "references", ".driftline")
_ROWS = "rows-*.parquet"
_LISTEN = "listen: 127.0.0.1:10464"
_JOB = "url: http://127.0.0.1:9000/retrain"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Folder:
    """A prepared folder; ``secret`` is ``whsec_…``."""

    path: Path
    secret: str


@contextmanager
def prepare(directory: Path) -> Iterator[Folder]:
    """Make the folder, emptied of an earlier demo, with a new secret in it; no second demo takes it meanwhile.

    Raises
    ------
    ConfigError: the folder holds something that no demo has put there.
    FatalError: it cannot be written, or another demo runs in it.
    """
    if directory.exists() and not directory.is_dir():
        raise _refused(f"{directory} is not a folder")
    try:
        if directory.exists() and any(directory.iterdir()) and not (directory / _MARK).exists():
            raise _refused(f"{directory} is not empty, and no demo has made it")
        directory.mkdir(parents=True, exist_ok=True)
        lock = _lock(directory)
    except OSError as error:
        raise _unwritable(directory, error) from None
    with lock:
        try:
            for name in _MADE:
                shutil.rmtree(directory / name, ignore_errors=True)
            for rows in directory.glob(_ROWS):
                rows.unlink()
            folder = Folder(directory, _new_secret(directory / SECRET))
        except OSError as error:
            raise _unwritable(directory, error) from None
        yield folder


def check_port(port: int) -> None:
    """See that the page will have its port, before the minutes that come first; 0 is always free.

    Raises
    ------
    FatalError: something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"cannot listen on 127.0.0.1:{port}: {error.strerror}"
            raise FatalError("E320", message, "stop what listens there, or name another with --port") from None


def write_config(directory: Path, port: int, job_url: str) -> Path:
    """Write the demo's config: the commented template with two addresses put in."""
    text = template().replace(_LISTEN, f"listen: 127.0.0.1:{port}").replace(_JOB, f"url: {job_url}")
    path = directory / CONFIG
    path.write_text(text, encoding="utf-8")
    return path


def template() -> str:
    """Return the commented config, every key with its default."""
    return files("monitor.demo").joinpath(CONFIG).read_text(encoding="utf-8")


def _lock(directory: Path) -> IO[str]:
    lock = (directory / _MARK).open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise FatalError("E392", f"another demo runs in {directory}", "stop it, or name another with --dir") from None
    lock.write("made by driftline demo, which empties this folder when it starts\n")
    lock.flush()
    return lock


def _new_secret(path: Path) -> str:
    """Write a new secret that only the owner can read."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret, encoding="ascii")
    return secret


def _unwritable(directory: Path, error: OSError) -> FatalError:
    return FatalError("E391", f"cannot write to {directory}: {error.strerror}", "name another with --dir")


def _refused(message: str) -> ConfigError:
    return ConfigError([Fault("E191", None, None, None, "--dir", message, "name another folder with --dir")])
