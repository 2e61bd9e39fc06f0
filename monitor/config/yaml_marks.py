"""YAML text → nodes that know their line and column, by the scalars of YAML 1.2 and within fixed limits.

Nothing is ever constructed from a tag, ``no`` is text and ``017`` is 17. What would make reading slow is
refused while it is read: size, depth, aliases, and what aliases would expand to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.scanner import Scanner

MAX_BYTES = 2**20
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_NODES = 50_000

Scalar: TypeAlias = str | int | float | bool | None

_INT = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,300}|[0-9]{1,300}(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,9})?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class YamlFault(Exception):
    """The text cannot be read at all: a code, a place (counted from 1) and a sentence."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping and where it stands."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes
    ----------
    value: a scalar, a tuple of nodes, or a tuple of (key, node) pairs for a mapping, repeats included.
    line, column: counted from 1.
    tag: an explicit tag such as ``!!str``, or ``None``.
    kind: ``scalar``, ``list`` or ``mapping``.
    secret: the value came from the environment or a secret file, and is never shown.
    size, depth: nodes at and below this one, aliases expanded; levels below this one.
    """

    value: Any = field(repr=False)  # it may be a secret
    line: int
    column: int
    kind: str
    tag: str | None = None
    secret: bool = False
    size: int = 1
    depth: int = 0

    @property
    def entries(self) -> tuple[tuple[Key, Node], ...]:
        """Return the pairs of a mapping; of anything else, none."""
        return self.value if self.kind == "mapping" else ()

    @property
    def items(self) -> tuple[Node, ...]:
        """Return the items of a list; of anything else, none."""
        return self.value if self.kind == "list" else ()

    def get(self, key: str) -> Node | None:
        """Return the value of a mapping's key; the first, if the key is repeated."""
        return next((node for name, node in self.entries if name.text == key), None)

    def key(self, key: str) -> Key | None:
        """Return a mapping's key itself, for its place."""
        return next((name for name, _ in self.entries if name.text == key), None)


def parse(text: str) -> Node:
    """Read one YAML document.

    Raises
    ------
    YamlFault: E100 not YAML, or not one document; E105 over a limit.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _ShallowScanner
    try:
        return _Composer(yaml.parse(text)).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise YamlFault("E100", f"not YAML: {error.problem or 'cannot be parsed'}", *place) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise YamlFault("E100", f"not YAML: {_first_line(error)}") from None


def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar by the core schema of YAML 1.2.

    >>> resolve("no"), resolve("017"), resolve("1e3"), resolve("1:30")
    ('no', 17, 1000.0, '1:30')
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["cannot be parsed"])[0][:200]


class _ShallowScanner(Scanner):
    """Refuses deep flow collections while it looks ahead, before any event of theirs is made."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803 - the library's name
        if len(self.flow_context) >= MAX_DEPTH:
            mark = self.reader.get_mark()
            raise YamlFault("E105", _TOO_DEEP, mark.line + 1, mark.column + 1)
        super().fetch_flow_collection_start(TokenClass, to_push)


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels; at most {MAX_DEPTH} allowed"
_TOO_MANY = f"more than {MAX_NODES} values, aliases expanded; at most {MAX_NODES} allowed"


class _Composer:
    """Builds nodes from parsing events."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._count = 0

    def document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent) and root is not None:
                raise _at(event, "E100", "more than one YAML document; expected one")
            if isinstance(event, NodeEvent):
                root = self._node(event, 0)
        if root is None:
            raise YamlFault("E100", "empty; expected a mapping with models", 1, 1)
        return root

    def _node(self, event: Event, level: int) -> Node:
        self._count += 1
        if level > MAX_DEPTH:
            raise _at(event, "E105", _TOO_DEEP)
        if self._count > MAX_NODES:
            raise _at(event, "E105", _TOO_MANY)
        if isinstance(event, AliasEvent):
            return self._alias(event, level)
        node = self._limited(self._open(event, level), event, level)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = node
        return node

    def _open(self, event: Event, level: int) -> Node:
        line, column, tag = event.start_mark.line + 1, event.start_mark.column + 1, _tag(event)
        if isinstance(event, ScalarEvent):
            plain = event.style is None and tag is None
            text = _sound(event.value)
            return Node(resolve(text) if plain else text, line, column, "scalar", tag)
        if isinstance(event, SequenceStartEvent):
            items = tuple(self._items(level))
            size, depth = _extent(items)
            return Node(items, line, column, "list", tag, size=size, depth=depth)
        pairs = tuple(self._pairs(level))
        size, depth = _extent([node for _, node in pairs])
        return Node(pairs, line, column, "mapping", tag, size=size, depth=depth)

    def _items(self, level: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._node(event, level + 1)

    def _pairs(self, level: int) -> Iterator[tuple[Key, Node]]:
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise _at(event, "E102", "a key is a mapping, a list or an alias; expected text")
            key = Key(_sound(event.value), event.start_mark.line + 1, event.start_mark.column + 1)
            yield key, self._node(next(self._events), level + 1)

    def _alias(self, event: AliasEvent, level: int) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise _at(event, "E105", f"{self._aliases} YAML aliases; at most {MAX_ALIASES} allowed")
        target = self._anchors.get(event.anchor)
        if target is None:
            raise _at(event, "E100", "not YAML: an alias names no anchor before it")
        node = replace(target, line=event.start_mark.line + 1, column=event.start_mark.column + 1)
        return self._limited(node, event, level)

    def _limited(self, node: Node, event: Event, level: int) -> Node:
        if level + node.depth > MAX_DEPTH:
            raise _at(event, "E105", _TOO_DEEP)
        if node.size > MAX_NODES:
            raise _at(event, "E105", _TOO_MANY)
        return node


def _extent(children: Sequence[Node]) -> tuple[int, int]:
    return 1 + sum(child.size for child in children), 1 + max((child.depth for child in children), default=0)


def _sound(text: str) -> str:
    """Join the surrogates that JSON writes for one character; a lone one becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tag(event: Event) -> str | None:
    tag = getattr(event, "tag", None)
    return str(tag).replace("tag:yaml.org,2002:", "!!") if tag else None


def _at(event: Event, code: str, message: str) -> YamlFault:
    return YamlFault(code, message, event.start_mark.line + 1, event.start_mark.column + 1)
