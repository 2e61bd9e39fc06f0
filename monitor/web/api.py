"""The JSON API: the objects of the contract, newest first, in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypedDict

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter

from monitor.web.problems import PROBLEM_JSON, Problem, not_found
from monitor.web.render import to_json
from monitor.web.view import Listing
from monitor.web.wiring import PathText, TheView

_MOST = 1_000
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=_MOST, description="most items of one page")]
Cursor: TypeAlias = Annotated[str | None, QueryParameter(description="`next` of the page before")]
OfModel: TypeAlias = Annotated[str | None, QueryParameter(description="of this model only")]


class Items(TypedDict):
    """A page of a list; ``next`` is null on the last one."""

    items: list[dict[str, Any]]
    next: str | None


class ProblemDetails(TypedDict):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    pointer: str | None


def fault(description: str) -> ResponseSpec:
    """Describe an answer that is a fault."""
    return ResponseSpec(ProblemDetails, generate_examples=False, description=description, media_type=PROBLEM_JSON)


ITEMS = {200: ResponseSpec(Items, generate_examples=False, description="A page of the list")}
ITEMS |= {400: fault("A parameter is not as it should be")}
_ONE = {200: ResponseSpec(dict[str, Any], generate_examples=False, description="The object")}
_ONE |= {404: fault("There is no such object")}


@get("/api/v1/status", sync_to_thread=True, responses={200: _ONE[200]}, summary="The whole state in one object")
def status(view: TheView) -> Response[bytes]:
    """Return the ``status`` object."""
    return _json(view.status())


@get("/api/v1/models", sync_to_thread=True, responses=ITEMS, summary="Models")
def models(view: TheView, limit: Limit = 100, cursor: Cursor = None) -> Response[bytes]:
    """Return the models as ``status`` shows them, by name; the cursor is the last name of the page before."""
    named = sorted(view.status()["models"], key=lambda model: str(model["name"]))
    following = [model for model in named if cursor is None or model["name"] > cursor]
    return _json(_page(following[:limit], following[limit - 1]["name"] if len(following) > limit else None))


@get("/api/v1/models/{model:str}/windows", sync_to_thread=True, responses=ITEMS | _ONE, summary="Windows of a model")
def windows(view: TheView, model: PathText, limit: Limit = 100, cursor: Cursor = None) -> Response[bytes]:
    """Return a model's windows, last end first."""
    items, following = listed(lambda: view.windows(model, limit, cursor), cursor)
    if not items and model not in {each["name"] for each in view.status()["models"]}:
        raise not_found("model")
    return _json(_page(items, following))


@get("/api/v1/windows/{id:str}", sync_to_thread=True, responses=_ONE, summary="A window")
def window(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Return a window with all of its columns."""
    return _json(found("window", view.window, id, request))


@get("/api/v1/models/{model:str}/windows/{id:str}", sync_to_thread=True, responses=_ONE, summary="A window of a model")
def window_of_model(request: Request[Any, Any, Any], view: TheView, model: PathText, id: PathText) -> Response[bytes]:
    """Return a window with all of its columns, if it is of that model."""
    body = found("window", view.window, id, request)
    if body["model"] != model:
        raise not_found("window")
    return _json(body)


@get("/api/v1/alerts", sync_to_thread=True, responses=ITEMS, summary="Alerts")
def alerts(view: TheView, limit: Limit = 100, cursor: Cursor = None, model: OfModel = None) -> Response[bytes]:
    """Return alerts in every state, last start first."""
    return _json(_page(*listed(lambda: view.alerts(model, limit, cursor), cursor)))


@get("/api/v1/alerts/{id:str}", sync_to_thread=True, responses=_ONE, summary="An alert")
def alert(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Return an alert."""
    return _json(found("alert", view.alert, id, request))


@get("/api/v1/actions", sync_to_thread=True, responses=ITEMS, summary="Actions")
def actions(view: TheView, limit: Limit = 100, cursor: Cursor = None, model: OfModel = None) -> Response[bytes]:
    """Return actions, last requested first."""
    return _json(_page(*listed(lambda: view.actions(model, limit, cursor), cursor)))


@get("/api/v1/actions/{id:str}", sync_to_thread=True, responses=_ONE, summary="An action")
def action(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Return an action."""
    return _json(found("action", view.action, id, request))


@get("/api/v1/deliveries", sync_to_thread=True, responses=ITEMS, summary="Deliveries")
def deliveries(view: TheView, limit: Limit = 100, cursor: Cursor = None) -> Response[bytes]:
    """Return deliveries, last queued first."""
    return _json(_page(*listed(lambda: view.deliveries(limit, cursor), cursor)))


def listed(read: Callable[[], Listing], cursor: str | None) -> Listing:
    """Read a list; a cursor that the list does not know is the caller's fault."""
    try:
        return read()
    except ValueError:
        if cursor is None:
            raise
        raise Problem(400, "parameter_invalid", "cursor is not the next of a page before", "/cursor") from None


def found(
    what: str, read: Callable[[str], dict[str, Any] | None], id: str, request: Request[Any, Any, Any]
) -> dict[str, Any]:
    """Read a thing by its id, also if the id was put into the address as it stands, percent signs and all."""
    raw = request.scope["raw_path"].rpartition(b"/")[2].decode("ascii", "replace")
    body = read(id) or (read(raw) if raw != id else None)
    if body is None:
        raise not_found(what)
    return body


def _page(items: list[dict[str, Any]], following: str | None) -> dict[str, Any]:
    return {"items": items, "next": following}


def _json(body: Any) -> Response[bytes]:
    return Response(to_json(body), media_type=MediaType.JSON)


HANDLERS: list[HTTPRouteHandler] = [
    status, models, windows, window, window_of_model, alerts, alert, actions, action, deliveries,
]  # fmt: skip
