"""Asks an application as a server would, without one: any path, any bytes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from litestar.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body read as JSON; anything but strict JSON fails."""
        return json.loads(self.body, parse_constant=_refuse)


def ask(app: ASGIApp, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """Send one request; underscores in names of headers stand for hyphens."""
    return asyncio.run(_ask(app, path, method, body, headers))


async def _ask(app: ASGIApp, target: str, method: str, body: bytes, headers: dict[str, str]) -> Answer:
    path, _, query = target.partition("?")
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50_000),
        "state": {},
    }
    messages: list[Any] = []
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> Any:
        if incoming:
            return incoming.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], found, b"".join(each.get("body", b"") for each in messages[1:]))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
