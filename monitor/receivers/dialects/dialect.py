"""What a dialect is: a request as data, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Takes: TypeAlias = Literal["alerts", "actions", "all"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A request that a service takes. Texts are Jinja2 templates; see ``template.py`` for what they may name.

    Attributes
    ----------
    body: a structure whose texts are templates; sent as JSON, or as a form.
    headers: more headers, by name; ``token`` and ``user`` may be named here.
    url: where it is, if the service has one address for all. ``path``: a template that is added to the URL.
    needs, may: what ``values`` must and may hold: a name, and what it is.
    token: what the token is, or ``None`` if there is none to give; ``user`` the same of a user's name.
    takes: ``alerts`` where people read, ``actions`` where each request starts a job, or ``all``.
    done: statuses besides 2xx that mean success, such as "it is there already".
    forgets: what was told is to be told again while it holds.
    refusal: reads an answer of 2xx; returns what is wrong with it, or ``None``.
    """

    body: Mapping[str, Any] | list[Any]
    form: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    path: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    token_needed: bool = True
    user: str | None = None
    takes: Takes = "alerts"
    done: frozenset[int] = frozenset()
    forgets: bool = False
    refusal: Callable[[bytes], str | None] | None = None
