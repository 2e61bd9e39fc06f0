"""A schema registry, asked for schemas by their numbers: Confluent's interface, which others speak, too."""

from __future__ import annotations

import base64
import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.settings import RegistrySettings

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 4 * 2**20
_UNKNOWN_SCHEMA = 40403
_MOST_REFERENCES = 100


class SchemaUnknown(ValueError):
    """The registry has no schema of a number."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as it is kept.

    Attributes
    ----------
    kind: ``AVRO``, ``PROTOBUF`` or ``JSON``.
    text: in JSON; of protocol buffers their description in base64.
    references: by name, the schemas that it refers to.
    """

    kind: str
    text: str
    references: dict[str, Schema]


class Registry:
    """Asks, and remembers what it was told: what a number stands for never changes."""

    def __init__(self, settings: RegistrySettings, root: Path) -> None:
        self._settings, self._root = settings, root
        self._known: dict[int, Schema | None] = {}

    def schema(self, number: int) -> Schema:
        """Return a schema.

        Raises
        ------
        SchemaUnknown: there is none of this number.
        Unreachable: the registry cannot be asked now.
        """
        if number not in self._known:
            self._known[number] = self._asked(number)
        found = self._known[number]
        if found is None:
            raise SchemaUnknown(f"the registry has no schema {number}")
        return found

    def _asked(self, number: int) -> Schema | None:
        told = self._get(f"/schemas/ids/{number}")
        if told is None:
            return None
        if told.get("schemaType") == "PROTOBUF":
            told = self._get(f"/schemas/ids/{number}?format=serialized") or told
        return self._schema(told, [])

    def _schema(self, told: dict[str, Any], seen: list[str]) -> Schema:
        kind, text = told.get("schemaType") or "AVRO", told.get("schema")
        if not isinstance(kind, str) or not isinstance(text, str):
            raise Unreachable("what the schema registry answers is no schema")
        found = {}
        for name, path in _references(told, "?format=serialized" if kind == "PROTOBUF" else ""):
            seen.append(name)
            if len(seen) > _MOST_REFERENCES:
                raise Unreachable("a schema of the registry refers to too many others")
            found[name] = self._schema(self._get(path) or {}, seen)
        return Schema(kind, text, found)

    def _get(self, path: str) -> dict[str, Any] | None:
        """Return what stands at a path; ``None`` where no schema does."""
        address = urlsplit(self._settings.url)
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json", "Connection": "close"}
        if self._settings.user is not None and self._settings.password is not None:
            login = f"{self._settings.user}:{self._settings.password.get_secret_value()}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        try:
            connection = self._connection(address.scheme, address.hostname or "", address.port)
            try:
                connection.request("GET", address.path.rstrip("/") + path, headers=headers)
                answer = connection.getresponse()
                status, body = answer.status, answer.read(_MOST_BYTES + 1)
            finally:
                connection.close()
        except (OSError, HTTPException) as error:  # their texts may hold the address
            raise Unreachable(f"the schema registry cannot be reached ({type(error).__name__})") from None
        return _told(status, body)

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        authority = None if self._settings.authority is None else str(self._root / self._settings.authority)
        return HTTPSConnection(
            host, port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context(cafile=authority)
        )


def _references(told: dict[str, Any], query: str) -> list[tuple[str, str]]:
    """Return the names of schemas that one refers to, and where each stands."""
    try:
        return [
            (str(each["name"]), f"/subjects/{quote(each['subject'], safe='')}/versions/{int(each['version'])}{query}")
            for each in told.get("references") or ()
        ]
    except (KeyError, TypeError, ValueError):
        raise Unreachable("what the schema registry answers is no schema") from None


def _told(status: int, body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body) if len(body) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        told = None
    if status == HTTPStatus.OK and isinstance(told, dict):
        return told
    if status == HTTPStatus.NOT_FOUND and isinstance(told, dict) and told.get("error_code") == _UNKNOWN_SCHEMA:
        return None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Unreachable("the schema registry refuses the login")
    raise Unreachable(f"the schema registry answers {status}, and no schema")
