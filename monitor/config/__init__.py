"""The YAML file, read once and frozen. Every fault is found in one reading and says where it stands.

>>> from pathlib import Path
>>> load_config(Path("nowhere.yaml"), {})
Traceback (most recent call last):
    ...
monitor.errors.ConfigError: nowhere.yaml: error[E100] config: cannot read (No such file or directory)
  help: write one with: driftline init REFERENCE -o config.yaml
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from monitor.config.checks import cross_faults, cross_warnings
from monitor.config.faults import validation_faults
from monitor.config.model import Config, ModelSettings, SourceSettings, TargetsSettings
from monitor.config.place import Place
from monitor.config.server import ServerSettings, host_and_port
from monitor.config.substitution import Substitution, plain, written_secrets
from monitor.config.yaml_marks import MAX_BYTES, Node, YamlFault, parse
from monitor.errors import ConfigError, Fault

__all__ = [
    "Config",
    "Loaded",
    "ModelSettings",
    "ServerSettings",
    "SourceSettings",
    "TargetsSettings",
    "config_hash",
    "host_and_port",
    "load_config",
    "load_text",
]

_HASH_DIGITS = 12
_CANNOT_READ = "write one with: driftline init REFERENCE -o config.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that holds.

    Attributes
    ----------
    warnings: what is allowed and probably not meant.
    hash: of every setting, defaults included and secrets left out; comments and the order of keys do not count.
    path: the file as it was named.
    nodes: the file itself, to say where a setting stands.
    secrets: every secret that was taken in, for logs to blot out.
    """

    config: Config
    warnings: tuple[Fault, ...]
    hash: str
    path: Path
    nodes: Node = field(repr=False)
    secrets: frozenset[str] = field(repr=False)

    @property
    def root(self) -> Path:
        """Return the folder that relative paths in the file are relative to."""
        return self.path.parent

    def place(self, *loc: str | int) -> Place:
        """Return where a setting stands in the file, by the keys and indices that lead to it."""
        from monitor.config.locate import locate

        where = locate(loc, self.nodes, (Config,))
        return Place(str(self.path), where.path, where.node)


def load_config(path: Path, environment: Mapping[str, str], *, windowed: bool = True) -> Loaded:
    """Read and check a config file.

    Parameters
    ----------
    path: the file; relative paths in it are relative to its folder.
    environment: what ``${NAME}`` may stand for.
    windowed: whether windows are to be judged by it, and not two files.

    Raises
    ------
    ConfigError: with every fault of the file, in the order of its lines.
    """
    return load_text(_read(path), path, environment, windowed=windowed)


def load_text(text: str, path: Path, environment: Mapping[str, str], *, windowed: bool = True) -> Loaded:
    """Check the text of a config file, as :func:`load_config`; ``path`` says where it belongs."""
    try:
        written = parse(text)
    except YamlFault as fault:
        raise ConfigError([Fault(fault.code, str(path), fault.line, fault.column, "config", fault.message)]) from None
    substitution = Substitution(str(path), path.parent, environment)
    nodes = substitution.apply(written, (Config,))
    faults = [*substitution.faults, *cross_faults(nodes, str(path), windowed=windowed)]
    try:
        config = Config.model_validate(plain(nodes))
    except ValidationError as error:
        found = validation_faults(error.errors(include_url=False, include_input=False), nodes, (Config,), str(path))
        faults += [fault for fault in found if not _is_spoilt(fault.path, substitution.spoilt)]
    if faults:
        raise ConfigError(_in_order(faults))
    warnings = [*substitution.warnings, *cross_warnings(nodes, str(path))]
    secrets = frozenset({*substitution.secrets, *written_secrets(nodes, (Config,))})
    return Loaded(config, tuple(_in_order(warnings)), config_hash(config), path, nodes, secrets)


def config_hash(config: Config) -> str:
    """Return ``sha256:`` and twelve digits over every setting; a secret counts as present or absent only."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASH_DIGITS]}"


def _read(path: Path) -> str:
    try:
        content = _content(path)
    except OSError as error:
        raise _unreadable(path, f"cannot read ({error.strerror or 'I/O error'})", _CANNOT_READ) from None
    except ValueError:
        raise _unreadable(path, "cannot read (not a path)") from None
    if len(content) > MAX_BYTES:
        raise _unreadable(path, f"larger than {MAX_BYTES} bytes; at most {MAX_BYTES} allowed", code="E105")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "not UTF-8 text", line=line) from None


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would block
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        return file.read(MAX_BYTES + 1)


def _unreadable(
    path: Path, message: str, help: str | None = None, *, code: str = "E100", line: int | None = None
) -> ConfigError:
    return ConfigError([Fault(code, str(path), line, None if line is None else 1, "config", message, help)])


def _is_spoilt(path: str, spoilt: set[str]) -> bool:
    """Say whether a path, something above it or something below it already has a fault of its own."""
    return any(
        path == other or path.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{path}.", f"{path}["))
        for other in spoilt
    )


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line or 0, fault.column or 0, fault.code))
