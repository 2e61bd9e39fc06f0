"""What holds for every answer: headers that keep a browser safe, HEAD wherever there is GET, who may send events."""

from __future__ import annotations

from typing import cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    b"content-security-policy": b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
_ASKED = b"webhook-request-origin"
_UNLESS_SET = {b"cache-control": b"no-store"}


def guard(app: ASGIApp) -> ASGIApp:
    """Wrap an application in what holds for every answer."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _complete([*message["headers"], *_let_in(scope)])
            await send(message)

        if scope.get("method") == "HEAD":
            scope = cast("Scope", {**scope, "method": "GET"})  # the server leaves the body out
        await app(scope, receive, send_with_headers)

    return guarded


def _complete(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    added = [*_ALWAYS.items(), *((name, value) for name, value in _UNLESS_SET.items() if name not in given)]
    return [*headers, *added]


def _let_in(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Let whoever asks first send events, as the webhook specification of CloudEvents has it; it lets no browser in."""
    if scope.get("method") != "OPTIONS" or scope["path"] != "/":
        return []
    asked = [value for name, value in scope["headers"] if name == _ASKED]
    return [(b"webhook-allowed-origin", value) for value in asked] + [(b"webhook-allowed-rate", b"*")] * bool(asked)
