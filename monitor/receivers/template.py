"""Fills a request's structure: its texts are Jinja2 templates, rendered in a sandbox.

A text that is one expression and nothing else, ``{{ parameters }}``, becomes the expression's value, of whatever type;
any other text becomes text. So what a message says can break neither JSON nor a form: it is never part of a template.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from monitor import wording
from monitor.delivery import Reason
from monitor.errors import DeliveryRefused
from monitor.instant import SECOND, Instant

OMIT = object()
"""Where a key's value is this, the key is left out."""

_EXPRESSION = re.compile(r"\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)
_MARKDOWN = re.compile(r"([\\`*_\[\]~|>#])")
_COMPILED = 512
_NAMES = (
    *("event", "alert", "window", "diagnosis", "action", "links", "columns", "performance", "title", "sentences"),
    *("facts", "parameters", "key", "firing", "resolved", "values", "now", "omit"),
)


def fill(structure: Any, context: Mapping[str, Any]) -> Any:
    """Return a structure with its texts rendered.

    Raises
    ------
    DeliveryRefused: a template cannot be rendered.
    """
    try:
        return _filled(structure, context)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        said = f"a template cannot be rendered ({type(error).__name__})"
        raise DeliveryRefused(Reason.TEMPLATE_FAILED, said) from None


def context_of(event: Mapping[str, Any], values: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    """Return what templates may name.

    ``event`` is the whole message; ``alert``, ``window``, ``columns``, ``diagnosis``, ``performance``, ``action`` and
    ``links`` its parts; ``title`` and ``sentences`` say it in plain words, ``facts`` is a table; ``key`` names the
    episode, ``firing`` and ``resolved`` say how it stands; ``parameters`` is what a job gets; ``values`` are the
    settings'; ``now`` is in seconds since 1970; ``omit`` leaves a key out.
    """
    data = event["data"]
    parts = {name: data.get(name) or {} for name in ("alert", "window", "diagnosis", "action", "links")}
    lists = {name: data.get(name) or [] for name in ("columns", "performance")}
    state = parts["alert"].get("state")
    return {
        "event": event,
        **parts,
        **lists,
        "title": wording.title(event),
        "sentences": wording.sentences(event),
        "facts": dict(wording.facts(event)),
        "parameters": parameters(event),
        "key": parts["alert"].get("id") or event["id"],
        "firing": state == "firing",
        "resolved": state == "resolved",
        "values": values,
        "now": now // SECOND,
        "omit": OMIT,
    }


def misspelt(structure: Any) -> str | None:
    """Return what is wrong with the templates of a structure before any message is there, or ``None``."""
    known = {*_NAMES, "token", "user", "range", "dict", "lipsum", "cycler", "joiner", "namespace"}
    for text in _texts(structure):
        try:
            parsed = _environment().parse(text)
            _environment().compile(parsed)
            strange = sorted(meta.find_undeclared_variables(_environment().parse(text)) - known)
        except TemplateError:
            return "is no template of Jinja2"
        if strange:
            return f"names {strange[0]}, which no template knows; expected one of {', '.join(_NAMES)}, token"
    return None


def _texts(structure: Any) -> Iterator[str]:
    if isinstance(structure, str):
        yield structure
    elif isinstance(structure, Mapping):
        for value in structure.values():
            yield from _texts(value)
    elif isinstance(structure, list | tuple):
        for value in structure:
            yield from _texts(value)


def parameters(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what a job gets, as text: what is not known is empty."""
    data = event["data"]
    alert, action = data.get("alert") or {}, data.get("action") or {}
    callback, links = action.get("callback") or {}, data.get("links") or {}
    told = {
        "model": alert.get("model"),
        "version": alert.get("version"),
        "alert_id": alert.get("id"),
        "action_id": action.get("id"),
        "action": action.get("kind"),
        "expires_at": action.get("expires_at"),
        "rows_url": links.get("rows"),
        "callback_url": callback.get("url"),
        "callback_token": callback.get("token"),
    }
    return {name: "" if value is None else str(value) for name, value in told.items()}


def _filled(structure: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(structure, str):
        return _text(structure, context)
    if isinstance(structure, Mapping):
        found = ((key, _filled(value, context)) for key, value in structure.items())
        return {key: value for key, value in found if value is not OMIT}
    if isinstance(structure, list | tuple):
        return [value for each in structure if (value := _filled(each, context)) is not OMIT]
    return structure


def _text(text: str, context: Mapping[str, Any]) -> Any:
    whole = _EXPRESSION.fullmatch(text.strip())
    if whole:
        return _expression(whole[1])(**context)
    return _template(text).render(**context)


@lru_cache(maxsize=_COMPILED)
def _expression(text: str) -> Any:
    return _environment().compile_expression(text)


@lru_cache(maxsize=_COMPILED)
def _template(text: str) -> Any:
    return _environment().from_string(text)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=ChainableUndefined,
        autoescape=False,
        finalize=lambda value: "" if value is None else value,
    )
    environment.filters |= {
        "slack": lambda text: str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        "markdown": lambda text: _MARKDOWN.sub(r"\\\1", str(text)),
        "short": _short,
        "base64": lambda text: base64.b64encode(str(text).encode()).decode(),
        "dns": lambda text: re.sub(r"[^a-z0-9-]+", "-", str(text).lower()),
        "instant": lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "assignments": lambda pairs: [f"{name}={value}" for name, value in pairs.items()],
        "tags": lambda pairs: [{"key": f"driftline/{name}", "value": value} for name, value in pairs.items()],
    }
    return environment


def _short(text: Any, most: int) -> str:
    said = str(text)
    return said if len(said) <= most else said[: most - 1] + "…"
