"""Every fault the web answers with: RFC 9457 problem details, and a plain page for a browser.

``code`` is stable snake_case for programs, ``pointer`` a JSON pointer into what was sent, or null.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from monitor.errors import RetryableError
from monitor.web.render import html, to_json

PROBLEM_JSON = "application/problem+json"
_CODES = {
    HTTPStatus.BAD_REQUEST: "request_invalid",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_TIMEOUT: "body_too_slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
}
_log = structlog.get_logger(__name__)


class Problem(Exception):
    """An answer that is not what was asked for.

    Parameters
    ----------
    status: HTTP status, 4xx.
    code: stable snake_case.
    detail: a sentence for people, without any value that was sent.
    pointer: JSON pointer to what is at fault, or ``None``.
    """

    def __init__(
        self, status: int, code: str, detail: str, pointer: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the problem details."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "pointer": self.pointer,
        }


def not_found(what: str) -> Problem:
    """Return the problem of a thing that is not there, such as ``window``."""
    return Problem(HTTPStatus.NOT_FOUND, f"{what}_unknown", f"there is no such {what}")


def unauthorized() -> Problem:
    """Return the one answer to a missing and to a wrong token."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "token_invalid",
        "this needs its own token as a bearer token: the action's, or that of who can read the state",
        headers={"WWW-Authenticate": 'Bearer realm="driftline"'},
    )


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turn whatever a handler raised into an answer; the handler of Litestar for every exception."""
    problem = problem_of(error, request.scope["path"])
    if _wants_page(request):
        content = html("problem.html", problem=problem.body())
        return Response(content, status_code=problem.status, headers=problem.headers, media_type=MediaType.HTML)
    body = to_json(problem.body())
    return Response(body, status_code=problem.status, headers=problem.headers, media_type=PROBLEM_JSON)


def problem_of(error: Exception, path: str) -> Problem:
    """Return the problem that an exception is, and log one that is ours."""
    problem = _problem(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request_failed", path=path, status=problem.status, exc_info=error)
    return problem


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        status = HTTPStatus(error.status_code)
        headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        return Problem(status, _CODES.get(status, "request_invalid"), f"{status.phrase.lower()}", headers=headers)
    if isinstance(error, RetryableError):
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "store_busy", "the state cannot be read now", headers={"Retry-After": "5"}
        )
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something went wrong here; the log says what")


def _invalid(error: ValidationException) -> Problem:
    """Name the parameter at fault; Litestar's own text may quote what was sent."""
    found = error.extra if isinstance(error.extra, list) else []
    keys = [str(each["key"]) for each in found if isinstance(each, dict) and "key" in each]
    key = keys[0] if keys else None
    detail = f"{key} is not as it should be" if key else "a parameter is not as it should be"
    return Problem(HTTPStatus.BAD_REQUEST, "parameter_invalid", detail, pointer=f"/{key}" if key else None)


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/api/")
