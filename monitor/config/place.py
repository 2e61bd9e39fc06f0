"""Where in the file a fault stands: file, line, column and the path an operator would say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from monitor.config.yaml_marks import Key, Node
from monitor.errors import Fault
from monitor.settings import duration_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LONGEST = 60


def below(path: str, key: str) -> str:
    """Return the path of a mapping's key.

    >>> below("models[a].window", "every")
    'models[a].window.every'
    """
    return f"{path}.{shown_key(key)}" if path else shown_key(key)


def item(path: str, index: int, node: Node) -> str:
    """Return the path of a list's item: by its name, if it has one that can be shown."""
    name = node.get("name")
    label = name.value if name and not name.secret and isinstance(name.value, str) else ""
    return f"{path}[{label if _NAME.fullmatch(label) else index}]"


def shown_key(key: str) -> str:
    """Return a key as it may be printed: short, on one line, without control characters."""
    return key if re.fullmatch(r"[\w./*+-]{1,60}", key) else quoted(key)


def quoted(text: str) -> str:
    """Return a text in quotes, short, with control characters and direction marks escaped."""
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    escaped = json.dumps(short, ensure_ascii=False)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in escaped)


def shown(node: Node, *, secret: bool = False) -> str:
    """Return what stands at a node, as a fault may say it: a secret by its type and length only.

    >>> shown(Node("fast", 1, 1, "scalar")), shown(Node("fast", 1, 1, "scalar"), secret=True)
    ('"fast"', 'text of 4 characters')
    """
    if node.kind != "scalar":
        return {"list": f"a list of {len(node.items)}", "mapping": "a mapping"}[node.kind]
    if secret or node.secret:
        return f"text of {len(node.value)} characters" if isinstance(node.value, str) else _type_of(node.value)
    return quoted(node.value) if isinstance(node.value, str) else _number(node.value)


def _type_of(value: Any) -> str:
    if value is None:
        return "nothing"
    return "true or false" if isinstance(value, bool) else "a number"


def _number(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:_LONGEST]


def bound(value: Any) -> str:
    """Return a bound as an operator would write it."""
    return duration_text(value) if isinstance(value, timedelta) else f"{value}"


@dataclass(frozen=True, slots=True)
class Place:
    """A node or key of one file, ready to be blamed."""

    file: str
    path: str
    mark: Key | Node | None = None

    def fault(self, code: str, message: str, help: str | None = None) -> Fault:
        """Return a fault that stands here."""
        line, column = (self.mark.line, self.mark.column) if self.mark else (None, None)
        return Fault(code, self.file, line, column, self.path or "config", message, help)
