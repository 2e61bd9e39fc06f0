"""Bodies as bytes: JSON as the contract wants it, and HTML from templates that escape everything."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from monitor.web import shown


def to_json(body: Any) -> bytes:
    """Write a body as UTF-8 JSON; a number that is not finite becomes null, a lone surrogate its escape.

    >>> to_json({"a": [1e-9, float("nan")], "b": None})
    b'{"a":[1e-09,null],"b":null}'
    """
    try:
        text = _compact(body)
    except ValueError:
        text = _compact(_finite(body))
    return text.encode("utf-8", "backslashreplace")


def html(template: str, **values: Any) -> bytes:
    """Render a page."""
    return _environment().get_template(template).render(values).encode("utf-8", "replace")


def _compact(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,
        auto_reload=False,
    )
    environment.filters |= shown.FILTERS
    environment.globals |= shown.GLOBALS
    return environment
