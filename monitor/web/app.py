"""The web application: pages, API, metrics and health over one view of the daemon."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from monitor import __version__
from monitor.web import api, events, ingest, jobs, on_call, operations, operators, otlp, pages
from monitor.web.edge import guard
from monitor.web.problems import answer
from monitor.web.view import View
from monitor.web.wiring import provide

_MAX_BODY = 64 * 1024


def create_app(view: View) -> ASGIApp:
    """Return the whole application, for ``server.listen``."""
    handlers = [*operations.HANDLERS, *api.HANDLERS, *operators.HANDLERS, *jobs.HANDLERS, *ingest.HANDLERS]
    handlers += [*on_call.HANDLERS, *events.HANDLERS, *otlp.HANDLERS]
    return guard(events.shortcut(_build(view, [*handlers, *pages.HANDLERS], _openapi()), view))


def create_operations_app(view: View) -> ASGIApp:
    """Return metrics and health alone, for ``server.metrics_listen``."""
    return guard(_build(view, operations.HANDLERS, None))


def _build(view: View, handlers: Sequence[HTTPRouteHandler], openapi: OpenAPIConfig | None) -> ASGIApp:
    return Litestar(
        route_handlers=list(handlers),
        dependencies=provide(view),
        exception_handlers={Exception: answer},
        openapi_config=openapi,
        logging_config=None,
        request_max_body_size=_MAX_BODY,
        debug=False,
    )


def _openapi() -> OpenAPIConfig:
    scheme = SecurityScheme(
        type="http", scheme="bearer", description="the token in the action's own message, or the operator's"
    )
    return OpenAPIConfig(
        title="Driftline",
        version=__version__,
        path="/api/v1/openapi.json",  # and not /api/v1: below its path Litestar answers every 404 itself, in HTML
        description="What Driftline says of models in production. Instants are RFC 3339 UTC; unknown is null.",
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin(path="/")],
        components=Components(security_schemes={"action_token": scheme}),
    )
