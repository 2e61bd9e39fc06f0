"""What a handler takes beside its path, said in the API's description: bodies by media type, and headers.

Such handlers read the body themselves, within bounds, so that the framework knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

Bodies: TypeAlias = Mapping[str, Schema]
ANYTHING = Schema(description="any JSON")
OBJECT = Schema(type=OpenAPIType.OBJECT)
BYTES = Schema(type=OpenAPIType.STRING, format=cast("OpenAPIFormat", "binary"))


def lines(of: str) -> Schema:
    """Return what a body of lines is."""
    return Schema(type=OpenAPIType.STRING, description=f"one JSON object a line, each {of}")


def text(description: str, pattern: str | None = None) -> Schema:
    """Return what a text is."""
    return Schema(type=OpenAPIType.STRING, description=description, pattern=pattern)


def instant(description: str) -> Schema:
    """Return what an instant is."""
    return Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME, description=description)


def array(of: Schema) -> Schema:
    """Return what an array is."""
    return Schema(type=OpenAPIType.ARRAY, items=of)


def object_of(required: list[str], **properties: Schema) -> Schema:
    """Return what an object is; it may hold more."""
    return Schema(type=OpenAPIType.OBJECT, properties={**properties}, required=required)


def taking(
    bodies: Bodies,
    headers: Mapping[str, Schema] | None = None,
    *,
    required: bool = True,
    answers: Bodies | None = None,
) -> type[Operation]:
    """Return how an operation is described that takes one of some bodies, and perhaps headers.

    ``answers``: what else it answers with, whatever the status.
    """

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            content = {kind: OpenAPIMediaType(schema=schema) for kind, schema in bodies.items()}
            self.request_body = RequestBody(content=content, required=required)
            told = [Parameter(name=name, param_in="header", schema=schema) for name, schema in (headers or {}).items()]
            self.parameters = [*(self.parameters or []), *told] or None
            for answer in (self.responses or {}).values():
                if answers and isinstance(answer, OpenAPIResponse):
                    more = {kind: OpenAPIMediaType(schema=schema) for kind, schema in answers.items()}
                    answer.content = {**(answer.content or {}), **more}

    return Taking
