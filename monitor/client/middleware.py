"""ASGI middleware: what one path of a FastAPI, Starlette or other server answers is logged as records."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from monitor.client.client import Client

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Record = Callable[[Any, Any], Mapping[str, Any]]


def as_record(asked: Any, answered: Any) -> Mapping[str, Any]:
    """Return a record: the request or its ``inputs`` as inputs, and the answer's keys, or itself as the prediction.

    >>> as_record({"age": 41}, {"prediction": 1, "score": 0.8})
    {'prediction': 1, 'score': 0.8, 'inputs': {'age': 41}}
    >>> as_record({"inputs": {"age": 41}}, 1)
    {'prediction': 1, 'inputs': {'age': 41}}
    """
    inputs = asked["inputs"] if isinstance(asked, dict) and isinstance(asked.get("inputs"), dict) else asked
    return {**(answered if isinstance(answered, dict) else {"prediction": answered}), "inputs": inputs}


class Monitored:
    """Copies requests and answers as they pass, and has them read once the answer is out.

    Only ``POST`` with a JSON body that was answered with 200 is logged; what is longer than ``most_bytes`` is dropped
    and counted. Each record has ``latency_ms``.

    Parameters
    ----------
    app: what answers. ``client``: what logs. ``path``: what is logged.
    record: makes a record of a request and its answer, both as JSON gave them.
    """

    def __init__(
        self,
        app: App,
        *,
        client: Client,
        path: str = "/predict",
        record: Record = as_record,
        most_bytes: int = 2**20,
    ) -> None:
        self._app, self._client, self._path, self._record, self._most = app, client, path, record, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        asked, answered, status = bytearray(), bytearray(), 0
        started, at = time.perf_counter(), datetime.now(UTC)

        async def received() -> Message:
            message = await receive()
            if len(asked) <= self._most:
                asked.extend(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal status
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            elif len(answered) <= self._most:
                answered.extend(message.get("body", b""))

        await self._app(scope, received, sent)
        took = (time.perf_counter() - started) * 1e3
        if status != HTTPStatus.OK:
            return
        if max(len(asked), len(answered)) > self._most:
            self._client.counts.dropped += 1
            return
        self._client.later(lambda: self._made(bytes(asked), bytes(answered), at, took))

    def _made(self, asked: bytes, answered: bytes, at: datetime, took: float) -> Iterable[Mapping[str, Any]]:
        found = self._record(json.loads(asked), json.loads(answered))
        return [{"timestamp": at.isoformat(), "latency_ms": took, **found}]
