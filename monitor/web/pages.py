"""The web page: drawn by the server, without a script, readable on a phone and by a screen reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, TypeAlias

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from monitor import __version__
from monitor.identity import window_id
from monitor.instant import from_text
from monitor.web import shown
from monitor.web.api import found, listed
from monitor.web.problems import not_found
from monitor.web.render import html
from monitor.web.view import View
from monitor.web.wiring import PathText, TheView

_STRIP = 48
_LISTED = 10
_PAGE = 50
_STATIC = files("monitor.web") / "static"
_CACHED = {"Cache-Control": "public, max-age=3600"}
Refresh: TypeAlias = Annotated[int, QueryParameter(ge=0, le=3600, description="seconds between reloads; 0 stops them")]
Cursor: TypeAlias = Annotated[str | None, QueryParameter(description="`next` of the page before")]


@dataclass(frozen=True, slots=True)
class VersionShown:
    """A version of a model on a page: its part of ``status``, its last windows, and the last one whole."""

    facts: Mapping[str, Any]
    windows: Sequence[Mapping[str, Any]]
    last: Mapping[str, Any] | None


@get("/", sync_to_thread=True, include_in_schema=False)
def overview(view: TheView, refresh: Refresh = 30) -> Response[bytes]:
    """Show everything on one page."""
    status = view.status()
    return _page(
        "overview.html",
        status=status,
        headline=shown.headline(status),
        models=[(model, _versions(view, model)) for model in status["models"]],
        deliveries=view.deliveries(_LISTED, None)[0],
        actions=view.actions(None, _LISTED, None)[0],
        refresh=refresh,
        here="/",
    )


@get("/models/{model:str}", sync_to_thread=True, include_in_schema=False)
def model(view: TheView, model: PathText, refresh: Refresh = 30, cursor: Cursor = None) -> Response[bytes]:
    """Show a model: its versions, its windows, its alerts and its actions."""
    status = view.status()
    facts = next((each for each in status["models"] if each["name"] == model), None)
    if facts is None:
        raise not_found("model")
    windows, following = listed(lambda: view.windows(model, _PAGE, cursor), cursor)
    return _page(
        "model.html",
        status=status,
        model=facts,
        versions=_versions(view, facts),
        windows=windows,
        following=following,
        alerts=view.alerts(model, _LISTED, None)[0],
        actions=view.actions(model, _LISTED, None)[0],
        refresh=refresh if cursor is None else 0,
        here=f"/models/{shown.segment(model)}",
    )


@get("/windows/{id:str}", sync_to_thread=True, include_in_schema=False)
def window(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Show a window with all of its columns."""
    return _page("window.html", window=found("window", view.window, id, request))


@get("/alerts/{id:str}", sync_to_thread=True, include_in_schema=False)
def alert(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Show an alert, its window, its columns and its action."""
    body = found("alert", view.alert, id, request)
    last = view.window(str(body["window"])) if body.get("window") else None
    window = (view.window(_fired_in(body, last)) if last is not None else None) or last
    wanted = set(body.get("columns") or ())
    columns = [column for column in (window or {}).get("columns", ()) if column["name"] in wanted]
    return _page("alert.html", alert=body, window=window, columns=columns)


@get("/api/docs", sync_to_thread=True, include_in_schema=False)
def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the description of the API as a page, without a script."""
    return _page("docs.html", described=request.app.openapi_schema.to_schema())


@get("/static/driftline.css", sync_to_thread=True, include_in_schema=False)
def style() -> Response[bytes]:
    """Serve the style sheet."""
    return Response((_STATIC / "driftline.css").read_bytes(), headers=_CACHED, media_type=MediaType.CSS)


@get("/static/driftline.svg", sync_to_thread=True, include_in_schema=False)
def icon() -> Response[bytes]:
    """Serve the icon."""
    return Response((_STATIC / "driftline.svg").read_bytes(), headers=_CACHED, media_type="image/svg+xml")


def _fired_in(alert: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Return the id of the window in which an alert fired: as long as its last, and closed as late after its end."""
    start, end, closed = (from_text(last[key]) for key in ("start", "end", "closed_at"))
    fired = from_text(alert["started_at"]) - (closed - end)
    return window_id(alert["model"], alert["version"], fired - (end - start), fired)


def _versions(view: View, facts: Mapping[str, Any]) -> list[VersionShown]:
    windows = view.windows(facts["name"], _STRIP * max(1, len(facts["versions"])), None)[0]
    return [_version(view, version, windows) for version in facts["versions"]]


def _version(view: View, facts: Mapping[str, Any], windows: Sequence[Mapping[str, Any]]) -> VersionShown:
    own = [window for window in windows if window["version"] == facts["version"]][:_STRIP]
    last: Mapping[str, Any] | None = own[0] if own else None
    if last is None and facts["last_window"]:
        last = view.window(facts["last_window"]["id"])
    return VersionShown(facts, own, last)


def _page(template: str, **values: Any) -> Response[bytes]:
    return Response(html(template, driftline_version=__version__, **values), media_type=MediaType.HTML)


HANDLERS: list[HTTPRouteHandler] = [overview, model, window, alert, docs, style, icon]
