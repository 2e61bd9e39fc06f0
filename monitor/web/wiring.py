"""How a handler asks for the daemon (``TheView``) and for a part of the path (``PathText``)."""

from __future__ import annotations

from typing import TypeAlias

from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, SkipValidation

from monitor.web.view import View

PathText: TypeAlias = FromPath[str]
TheView: TypeAlias = NamedDependency[SkipValidation[View]]


def provide(view: View) -> dict[str, Provide]:
    """Return the dependencies of every handler."""
    return {"view": Provide(lambda: view, use_cache=True, sync_to_thread=False)}
