"""Turns what pydantic refuses into faults an operator can act on: where, what, what was got and expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from monitor.config import not_yet
from monitor.config.locate import Spotted, locate
from monitor.config.place import Place, below, bound, quoted, shown
from monitor.config.shape import Spot, known_keys, leaves, member
from monitor.config.yaml_marks import Key, Node
from monitor.errors import Fault
from monitor.settings import Rate

_MOST_NAMED = 12

# the first word of pydantic's error type → what is wrong; what was expected
_WRONG_TYPE = {
    "bool": ("not true or false", "true or false"),
    "int": ("not a whole number", "a whole number"),
    "float": ("not a number", "a number"),
    "string": ("not text", 'text; a number as text needs quotes: "5"'),
    "list": ("not a list", "a list"),
    "tuple": ("not a list", "a list"),
    "dict": ("not a mapping", "a mapping"),
    "model": ("not a mapping", "a mapping"),
}
_NAME_RULE = "lower-case letters, digits and hyphens between them, at most 63"
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault before it is text.

    ``keys`` is its path without names and indices, ``holder`` the mapping that has or lacks its key, ``branch``
    says that pydantic tried several shapes and this is what one of them said.
    """

    code: str
    path: str
    keys: tuple[str, ...]
    mark: Key | Node
    what: str
    got: str | None = None
    expected: str | None = None
    help: str | None = None
    branch: bool = False
    holder: Node | None = None

    def fault(self, file: str) -> Fault:
        """Return it as text."""
        got = f" (got {self.got})" if self.got else ""
        expected = f"; expected {self.expected}" if self.expected and self.what != f"not {self.expected}" else ""
        return Place(file, self.path, self.mark).fault(self.code, f"{self.what}{got}{expected}", self.help)


def validation_faults(errors: Iterable[ErrorDetails], root: Node, spot: Spot, file: str) -> list[Fault]:
    """Return a fault for everything pydantic refused.

    Parameters
    ----------
    errors: of one ``ValidationError``.
    root: the nodes that were validated.
    spot: the class that they were validated by.
    file: the config file as faults name it.
    """
    findings = [finding for error in errors if (finding := _finding(error, root, spot)) is not None]
    return [finding.fault(file) for finding in _merged(_without_noise(findings))]


def choice_finding(where: Spotted, choices: Iterable[str]) -> Finding:
    """Say that a value is not one of the choices, perhaps misspelt."""
    known, value = list(choices), where.node.value
    return _at_node(where, "E103", "not allowed", one_of(known), nearest(value, known))


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the question that names the nearest known word, if one is near."""
    near = get_close_matches(word, list(known), n=1) if isinstance(word, str) else []
    return f'did you mean "{near[0]}"?' if near else None


def one_of(choices: Iterable[str]) -> str | None:
    """Return the choices as a fault says them."""
    known = list(choices)
    named = ", ".join(known[:_MOST_NAMED])
    return f"one of {named}{', …' if len(known) > _MOST_NAMED else ''}" if known else None


def _finding(error: ErrorDetails, root: Node, spot: Spot) -> Finding | None:
    kind, loc = error["type"], error["loc"]
    if kind == "missing":
        return _missing(locate(loc[:-1], root, spot), str(loc[-1]))
    where = locate(loc, root, spot)
    if kind == "too_short" and len(where.node.items) >= error["ctx"]["min_length"]:
        return None  # the items are there, and have faults of their own
    handler = _said_by_settings if kind.startswith("E") else _HANDLERS.get(kind, _wrong_value)
    return handler(where, error)


def _at_node(where: Spotted, code: str, what: str, expected: str | None = None, help: str | None = None) -> Finding:
    got = shown(where.node, secret=where.secret)
    return Finding(code, where.path, where.keys, where.node, what, got, expected, help, where.branch, where.holder)


def _missing(where: Spotted, key: str) -> Finding:
    keys, mark = (*where.keys, key), where.node
    return Finding("E107", below(where.path, key), keys, mark, "required key is missing", holder=where.node)


def _unknown_key(where: Spotted, _: ErrorDetails) -> Finding:
    key, mark = where.keys[-1], where.key or where.node
    if not_yet.key_is_due(where.keys):
        message = f"this version has no {quoted(key)} here yet"
        return Finding("E109", where.path, where.keys, mark, message, help=not_yet.HELP, holder=where.holder)
    known = known_keys(where.holder_spot, where.holder)
    found = Finding("E101", where.path, where.keys, mark, "unknown key", expected=one_of(known), holder=where.holder)
    return replace(found, help=nearest(key, known))


def _wrong_tag(where: Spotted, error: ErrorDetails) -> Finding:
    if where.node.get("type") is None:
        return _missing(where, "type")
    where.step("type")
    tags = str(error.get("ctx", {}).get("expected_tags", ""))
    return choice_finding(where, [tag.strip(" '") for tag in tags.split(",")])


def _not_a_choice(where: Spotted, _: ErrorDetails) -> Finding:
    spot = where.spot or member(where.holder_spot, where.keys[-1])  # of a type that nothing here has
    literals = (leaf for leaf in leaves(spot) if get_origin(leaf) is Literal)
    return choice_finding(where, [str(choice) for literal in literals for choice in get_args(literal)])


def _said_by_settings(where: Spotted, error: ErrorDetails) -> Finding:
    """Take the words of a validator of ours: ``what; expected …``; the type of its error may be a code."""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    what, _, expected = message.partition("; expected ")
    own = error["type"] if error["type"].startswith("E") else None
    if where.node.kind == "mapping":
        mark = where.key or where.node
        return Finding(own or "E115", where.path, where.keys, mark, what, expected=expected or None)
    found = _at_node(where, own or ("E102" if what.startswith("not a") else "E103"), what, expected or None)
    return replace(found, got=None) if own else found


def _wrong_value(where: Spotted, error: ErrorDetails) -> Finding:
    kind, context = error["type"], error.get("ctx", {})
    if kind.endswith(("_type", "_parsing", "_from_float")):
        return _at_node(where, "E102", *_type_words(where, kind))
    if kind == "string_pattern_mismatch":
        return _at_node(where, "E108", "name not allowed", _NAME_RULE)
    if kind.endswith(("too_short", "too_long")):
        limit = f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']}"
        return _at_node(where, "E103", kind[-len("too_short") :].strip("_").replace("_", " "), limit)
    limits = [f"{_SIGNS[name]} {bound(value)}" for name, value in context.items() if name in _SIGNS]
    if limits:
        return _at_node(where, "E103", "out of range", where.bounds or ", ".join(limits))
    return _at_node(where, "E102", "not allowed", error["msg"].removeprefix("Input should be "))


def _type_words(where: Spotted, kind: str) -> tuple[str, str | None]:
    if Rate in leaves(where.spot):
        return "not a rate", 'e.g. "1 per 30d"'
    return _WRONG_TYPE.get(kind.split("_", maxsplit=1)[0], ("wrong type", None))


_HANDLERS: dict[str, Callable[[Spotted, ErrorDetails], Finding]] = {
    "extra_forbidden": _unknown_key,
    "union_tag_invalid": _wrong_tag,
    "union_tag_not_found": _wrong_tag,
    "literal_error": _not_a_choice,
    "enum": _not_a_choice,
    "value_error": _said_by_settings,
    "assertion_error": _said_by_settings,
}


def _without_noise(findings: list[Finding]) -> list[Finding]:
    """Drop what only follows from something else.

    A mapping whose ``type`` is not known is not blamed for its other keys; and of several shapes tried in vain,
    the one that fits best is the one that was meant.
    """
    foreign = [f.holder for f in findings if f.keys[-1:] == ("type",) and f.code in {"E103", "E109"}]
    kept = [f for f in findings if f.keys[-1:] == ("type",) or not any(f.holder is holder for holder in foreign)]
    return [f for f in kept if not (f.branch and any(_was_meant(other, f) for other in kept if other.branch))]


def _was_meant(other: Finding, finding: Finding) -> bool:
    """Say whether another shape fits better: down to a deeper place, or at the same one by its type."""
    deeper = other.path.startswith((f"{finding.path}.", f"{finding.path}["))
    return deeper or (other.path == finding.path and finding.code == "E102" != other.code)


def _merged(findings: list[Finding]) -> list[Finding]:
    """Make one finding of several shapes that were tried in vain at one place."""
    merged: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        place = (finding.path, finding.code)
        first = merged.get(place)
        if first is None or not finding.branch:
            merged[place if first is None else (finding.path, finding.what)] = finding
        elif finding.expected and finding.expected not in (first.expected or ""):
            merged[place] = replace(first, expected=f"{first.expected} or {finding.expected}")
    return list(merged.values())
