"""Silences: for a stretch of time nobody is told of the alerts that match; they fire and are recorded all the same.

A silence is held against an alert by matchers: ``model=flight-delay``, ``severity!=critical``, ``column=~dep_.*``. All
of them must match. What an alert has several of, such as columns, matches if one does; what it has none of counts as
the empty text, so that ``segment=`` means alerts of the whole. Patterns are RE2's: they take time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from monitor.identity import digest_id
from monitor.instant import Instant, from_text, to_text

Alert: TypeAlias = Mapping[str, Any]
LABELS = ("model", "version", "alert", "severity", "segment", "column", "cause")
MOST_MATCHERS = 20
MOST_LETTERS = 256
_WRITTEN = re.compile(r"\s*([a-z]+)\s*(=~|!=|=)(.*)", re.DOTALL)


class SilenceRefused(ValueError):
    """A silence that cannot be meant; ``code`` and ``key`` say what of it."""

    def __init__(self, code: str, key: str, message: str) -> None:
        super().__init__(message)
        self.code, self.key = code, key


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition: a label of an alert, ``=``, ``!=`` or ``=~``, and a word or a pattern."""

    label: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.sign}{self.value}"


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence; instants are wall time. ``ended_by`` says who ended it early, ``None`` if nobody did."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: Instant
    ends_at: Instant
    created_at: Instant
    created_by: str
    comment: str
    everything: bool = False
    ended_by: str | None = None


def read_matcher(text: str) -> Matcher:
    """Read a matcher.

    Raises
    ------
    SilenceRefused: it is none, or its pattern is none.

    >>> read_matcher("column=~dep_.*")
    Matcher(label='column', sign='=~', value='dep_.*')
    """
    match = _WRITTEN.fullmatch(text)
    expected = 'expected e.g. model=flight-delay, severity!=critical, "column=~dep_.*"'
    if match is None:
        raise SilenceRefused("matcher_invalid", "matchers", f"not a matcher; {expected}")
    label, sign, value = match.groups()
    if label not in LABELS:
        raise SilenceRefused("matcher_invalid", "matchers", f"no alert has such a label; known: {', '.join(LABELS)}")
    if len(value) > MOST_LETTERS:
        raise SilenceRefused("matcher_invalid", "matchers", f"longer than {MOST_LETTERS} letters")
    found = Matcher(label, sign, value)
    if sign == "=~" and not value:
        raise SilenceRefused("matcher_invalid", "matchers", f"an empty pattern; {expected}")
    if sign == "=~":
        try:
            _is_like(found, ("",))
        except pa.ArrowInvalid:
            raise SilenceRefused("matcher_invalid", "matchers", f"{label}=~: not a pattern of RE2") from None
    return found


def values_of(alert: Alert, label: str) -> tuple[str, ...]:
    """Return what an alert has under a label: one text at least, which is empty where it has nothing."""
    if label == "column":
        return tuple(alert.get("columns") or ()) or ("",)
    if label == "cause":
        diagnosis = alert.get("diagnosis") or {}
        kinds = [str(cause["kind"]) for cause in diagnosis.get("causes") or ()]
        return tuple(dict.fromkeys([*kinds, *([str(diagnosis["class"])] if diagnosis.get("class") else [])])) or ("",)
    return (str(alert.get("name" if label == "alert" else label) or ""),)


def _is_like(matcher: Matcher, values: Sequence[str]) -> bool:
    pattern = f"^(?s:{matcher.value})$"
    return bool(pc.any(pc.match_substring_regex(pa.array(values, pa.string()), pattern=pattern)).as_py())


def matches(matchers: Iterable[Matcher], alert: Alert) -> bool:
    """Say whether every matcher fits an alert.

    >>> matches([read_matcher("column=temp"), read_matcher("segment=")], {"columns": ["dewp", "temp"]})
    True
    """
    return all(_fits(matcher, values_of(alert, matcher.label)) for matcher in matchers)


def _fits(matcher: Matcher, values: Sequence[str]) -> bool:
    if matcher.sign == "=~":
        return _is_like(matcher, values)
    return (matcher.value in values) is (matcher.sign == "=")


def new_silence(matchers: Sequence[str], span: tuple[Instant, Instant], by: str, comment: str, now: Instant) -> Silence:
    """Return a silence as an operator asks for it; ``span`` is from when until when.

    Raises
    ------
    SilenceRefused: it matches by nothing, has a matcher that is none, ends before it starts, or has ended already.
    """
    starts_at, ends_at = span
    if not matchers:
        message = "without a matcher; a silence of everything is alert=~.*"
        raise SilenceRefused("matchers_missing", "matchers", message)
    if len(matchers) > MOST_MATCHERS:
        raise SilenceRefused("matcher_invalid", "matchers", f"more than {MOST_MATCHERS} matchers")
    if ends_at <= starts_at:
        raise SilenceRefused("ends_before_start", "ends_at", "it ends before it starts")
    if ends_at <= now:
        raise SilenceRefused("ended_already", "ends_at", "it has ended already")
    read = tuple(read_matcher(text) for text in matchers)
    ident = digest_id("si", now, by, comment, starts_at, ends_at, *read)
    return Silence(ident, read, starts_at, ends_at, now, by, comment)


def with_reach(silence: Silence, alerts: Iterable[Alert]) -> Silence:
    """Note whether a silence matches every alert that there can be; ``alerts`` are of each kind one."""
    return replace(silence, everything=all(matches(silence.matchers, alert) for alert in alerts))


SilenceState = Literal["pending", "active", "expired"]


def state_of(silence: Silence, now: Instant) -> SilenceState:
    """Say whether a silence has begun, and whether it has ended."""
    if now >= silence.ends_at:
        return "expired"
    return "active" if now >= silence.starts_at else "pending"


def silencing(silences: Iterable[Silence], alert: Alert, now: Instant) -> Silence | None:
    """Return the silence of an alert that lasts longest of those that are active, or ``None``."""
    found = [each for each in silences if state_of(each, now) == "active" and matches(each.matchers, alert)]
    return max(found, key=lambda each: (each.ends_at, each.id), default=None)


def silence_body(silence: Silence, now: Instant) -> dict[str, Any]:
    """Return a silence as users see it."""
    return {
        "id": silence.id,
        "state": state_of(silence, now),
        "matchers": [str(matcher) for matcher in silence.matchers],
        "everything": silence.everything,
        "starts_at": to_text(silence.starts_at),
        "ends_at": to_text(silence.ends_at),
        "created_at": to_text(silence.created_at),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "ended_by": silence.ended_by,
    }


def from_body(body: Mapping[str, Any]) -> Silence:
    """Return the silence that a body was made of."""
    starts_at, ends_at, created_at = (from_text(body[key]) for key in ("starts_at", "ends_at", "created_at"))
    matchers = tuple(read_matcher(text) for text in body["matchers"])
    facts = {key: body[key] for key in ("created_by", "comment", "everything", "ended_by")}
    return Silence(body["id"], matchers, starts_at, ends_at, created_at, **facts)
