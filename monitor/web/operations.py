"""What operates the daemon reads: metrics, liveness, readiness. All from memory, in the event loop."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from prometheus_client.exposition import gzip_accepted

from monitor.web.render import to_json
from monitor.web.wiring import TheView

_OK, _UNAVAILABLE = 200, 503


def _told(what: str) -> ResponseSpec:
    return ResponseSpec(None, generate_examples=False, description=what)


@get("/metrics", sync_to_thread=False, responses={200: _told("The page")}, summary="Metrics for Prometheus")
def metrics(request: Request[Any, Any, Any], view: TheView) -> Response[bytes]:
    """Return the last rendered page, as Prometheus text or OpenMetrics, compressed if asked for."""
    page = view.metrics(request.headers.get("accept", ""))
    body, headers = page.body, {"Vary": "Accept, Accept-Encoding"}
    if gzip_accepted(request.headers.get("accept-encoding", "")):
        body, headers["Content-Encoding"] = page.gzipped, "gzip"
    return Response(body, headers=headers, media_type=_media_type(page.content_type))


def _media_type(content_type: str) -> str:
    """Leave the charset of a text to Litestar, which would add it a second time."""
    return content_type.removesuffix("; charset=utf-8") if content_type.startswith("text/") else content_type


@get(
    "/livez", sync_to_thread=False, responses={200: _told("Yes"), 503: _told("No")}, summary="Is the supervisor alive?"
)
def livez(view: TheView) -> Response[bytes]:
    """Return 503 after 30 seconds without a tick of the supervisor."""
    alive = view.alive()
    body = to_json({"alive": alive})
    return Response(body, status_code=_OK if alive else _UNAVAILABLE, media_type=MediaType.JSON)


@get(
    "/readyz",
    sync_to_thread=False,
    responses={200: _told("Yes"), 503: _told("No, and why")},
    summary="Can it take work?",
)
def readyz(view: TheView) -> Response[bytes]:
    """Return 503 only while starting, stopping, or when the state cannot be written; the body says the rest."""
    readiness = view.readiness()
    status = _OK if readiness["ready"] else _UNAVAILABLE
    return Response(to_json(readiness), status_code=status, media_type=MediaType.JSON)


HANDLERS: list[HTTPRouteHandler] = [metrics, livez, readyz]
