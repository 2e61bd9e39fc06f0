"""Takes secrets and environment variables into the file's nodes, and refuses what no setting may be.

``${NAME}`` in any text is replaced by the environment variable; ``$${`` stands for ``${``. Where a settings
class has a secret ``x``, the file may say ``x_file`` and the secret is read from there. Both are marked
secret, so that no fault ever shows them.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.config.place import Place, below, item, quoted, shown
from monitor.config.shape import Spot, field_at, is_secret, is_section, member
from monitor.config.yaml_marks import Key, Node
from monitor.errors import Fault

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = "_file"
_MAX_SECRET_BYTES = 65_536


@dataclass
class Substitution:
    """One pass over the nodes of a file; what it finds is kept in ``faults``, ``warnings`` and ``spoilt``.

    Attributes
    ----------
    file: the config file as faults name it.
    folder: what relative paths of secret files are relative to.
    environment: the environment variables.
    spoilt: paths that already have a fault, so that their value needs no second one.
    secrets: what was taken in, for logs to blot out.
    """

    file: str
    folder: Path
    environment: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set, repr=False)

    def apply(self, node: Node, spot: Spot, path: str = "") -> Node:
        """Return a node with everything below it substituted."""
        if node.tag is not None:
            self._spoil(
                path, node, "E106", f"YAML tag not allowed (got {quoted(node.tag)})", "write the value without it"
            )
            return replace(node, tag=None)
        if node.kind == "mapping":
            return replace(node, value=self._entries(node, spot, path))
        if node.kind == "list":
            items = (self.apply(child, spot, item(path, index, child)) for index, child in enumerate(node.items))
            return replace(node, value=tuple(items))
        return self._scalar(node, path)

    def _entries(self, node: Node, spot: Spot, path: str) -> tuple[tuple[Key, Node], ...]:
        entries: dict[str, tuple[Key, Node]] = {}
        lines: dict[str, int] = {}
        for key, child in node.entries:
            if key.text in lines:
                where = Place(self.file, path, key)
                self.faults.append(
                    where.fault("E104", f"duplicate key {quoted(key.text)} (first at line {lines[key.text]})")
                )
                continue
            lines[key.text] = key.line
            new_key, new_child = self._entry(key, child, node, spot, path)
            if new_child.value is None and is_section(member(spot, key.text, node)):
                continue
            if new_key.text in entries:
                self._both(new_key, path)
            entries[new_key.text] = (new_key, new_child)
        return tuple(entries.values())

    def _entry(self, key: Key, child: Node, node: Node, spot: Spot, path: str) -> tuple[Key, Node]:
        base = key.text.removesuffix(_FILE)
        named = base != key.text and field_at(spot, key.text, node) is None
        if not (named and is_secret(member(spot, base, node))):
            return key, self.apply(child, member(spot, key.text, node), below(path, key.text))
        written = self.apply(child, (), below(path, key.text))
        if below(path, key.text) in self.spoilt:
            self.spoilt.add(below(path, base))
            return replace(key, text=base), replace(written, secret=True)
        return replace(key, text=base), self._secrets(written, path, key.text, base)

    def _both(self, key: Key, path: str) -> None:
        message = f"both {key.text} and {key.text}{_FILE} are given; expected one of them"
        self.faults.append(Place(self.file, below(path, key.text), key).fault("E113", message))

    def _secrets(self, node: Node, path: str, written: str, base: str) -> Node:
        """Read the secret, or the list of secrets, that a ``*_file`` key names."""
        before = len(self.faults)
        if node.kind == "list":
            items = (self._secret(child, f"{below(path, written)}[{i}]") for i, child in enumerate(node.items))
            found = replace(node, value=tuple(items), secret=True)
        else:
            found = self._secret(node, below(path, written))
        if len(self.faults) > before:
            self.spoilt.add(below(path, base))
        return found

    def _secret(self, node: Node, path: str) -> Node:
        if not isinstance(node.value, str) or not node.value or "\0" in node.value:
            return self._spoil(path, node, "E111", f"not a path (got {shown(node)}); expected the path of a file")
        try:
            content = self._read(node.value, Place(self.file, path, node))
        except UnicodeDecodeError:
            return self._spoil(path, node, "E111", "not UTF-8 text; expected a file with the secret alone")
        except OSError as error:
            return self._spoil(path, node, "E111", f"cannot read ({error.strerror or 'I/O error'})")
        except ValueError as error:
            return self._spoil(path, node, "E111", str(error))
        self.secrets.add(content)
        return replace(node, value=content, secret=True)

    def _read(self, name: str, place: Place) -> str:
        """Return what a secret's file holds, less line ends at its end; the mode is looked at too."""
        path = self.folder / name
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("not a regular file")
        with path.open("rb") as file:
            content = file.read(_MAX_SECRET_BYTES + 1)
        if len(content) > _MAX_SECRET_BYTES:
            raise ValueError(f"more than {_MAX_SECRET_BYTES} bytes; expected a file with the secret alone")
        if mode & stat.S_IROTH:
            self.warnings.append(place.fault("W112", f"readable by every user (mode {mode & 0o777:04o})", "chmod 0600"))
        text = content.decode("utf-8").rstrip("\r\n")
        if not text:
            raise ValueError("empty; expected a file with the secret alone")
        return text

    def _scalar(self, node: Node, path: str) -> Node:
        if isinstance(node.value, float) and not math.isfinite(node.value):
            return self._spoil(path, node, "E103", f"out of range (got {node.value}); expected a finite number")
        if not isinstance(node.value, str) or "${" not in node.value:
            return node
        return self._expanded(node, path)

    def _expanded(self, node: Node, path: str) -> Node:
        used, absent = False, list[str]()

        def value_of(match: re.Match[str]) -> str:
            nonlocal used
            if match[1]:
                return match[0][1:]
            used = True
            value = self.environment.get(match[2])
            if value is None:
                absent.append(match[2])
            elif value:
                self.secrets.add(value)
            return value or ""

        text = _REFERENCE.sub(value_of, node.value)
        for name in absent:
            known = f"environment variable {name} is not set" if _VARIABLE.fullmatch(name) else _no_variable(name)
            self._spoil(path, node, "E110", known)
        return replace(node, value=text, secret=used)

    def _spoil(self, path: str, node: Node, code: str, message: str, help: str | None = None) -> Node:
        self.spoilt.add(path)
        self.faults.append(Place(self.file, path, node).fault(code, message, help))
        return replace(node, value=None, secret=True) if node.kind == "scalar" else node


def _no_variable(name: str) -> str:
    return f"not the name of an environment variable (got {quoted(name)}); write $${{ for a plain ${{"


def plain(node: Node) -> object:
    """Return a node as plain Python data."""
    if node.kind == "mapping":
        return {key.text: plain(child) for key, child in node.entries}
    return [plain(child) for child in node.items] if node.kind == "list" else node.value


def written_secrets(node: Node, spot: Spot) -> Iterator[str]:
    """Yield every text that stands where a secret belongs, wherever it came from."""
    if node.kind == "mapping":
        for key, child in node.entries:
            yield from written_secrets(child, member(spot, key.text, node))
    elif node.kind == "list":
        for child in node.items:
            yield from written_secrets(child, spot)
    elif is_secret(spot) and isinstance(node.value, str) and node.value:
        yield node.value
