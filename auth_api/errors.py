"""Everything that can go wrong for a caller, and the one shape it is answered in.

    ApiError                 {"success": false, "error": ..., "code": ..., "details"?: ...}
    ├── BadRequest           400  what was sent cannot be used
    ├── Unauthorised         401  not signed in, or credentials that are wrong
    ├── Forbidden            403  signed in, and not allowed to
    ├── NotFound             404  no such thing
    ├── TooSlow              408  a request that comes by drops, or not at all
    ├── Conflict             409  already taken
    ├── TooLarge             413  more bytes than are taken
    ├── UnsupportedMedia     415  a body in a form that is not read
    ├── TooMany              429  too many requests; Retry-After says when to ask again
    ├── Refused              4xx  a handler's verdict on the request, passed on
    └── Unavailable          503  the model server or the database is busy or away; Retry-After
        └── Away             503  there is no model server, which may be starting

Raised where a failure is understood, turned into an answer by `answer_*` below and nowhere
else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from auth_api.http.json_response import JSONResponse

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """`message` is one sentence for a person, `code` snake_case for a program."""

    status: int = 500
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details
        self.headers = headers

    def response(self) -> JSONResponse:
        """The answer to send."""
        return error_response(self.status, self.message, self.code, self.details, self.headers)


class BadRequest(ApiError):
    """What was sent cannot be used."""

    status = 400
    code = "bad_request"


class Unauthorised(ApiError):
    """Not signed in, or credentials that are wrong."""

    status = 401
    code = "not_authenticated"

    def __init__(self, message: str, code: str | None = None) -> None:
        # RFC 9110, section 11.6.1, wants a 401 to say how to sign in.
        super().__init__(message, code, headers={"WWW-Authenticate": 'Bearer realm="ranjana"'})


class Forbidden(ApiError):
    """Signed in, and not allowed to."""

    status = 403
    code = "forbidden"


class NotFound(ApiError):
    """There is no such thing."""

    status = 404
    code = "not_found"


class TooSlow(ApiError):
    """A request that comes by drops, or not at all; its connection is closed."""

    status = 408
    code = "request_too_slow"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Connection": "close"})


class Conflict(ApiError):
    """Already taken."""

    status = 409
    code = "conflict"


class TooLarge(ApiError):
    """More bytes than are taken."""

    status = 413
    code = "body_too_large"


class UnsupportedMedia(ApiError):
    """A body in a form that is not read."""

    status = 415
    code = "unsupported_media_type"


class TooMany(ApiError):
    """Too many requests."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, code: str | None = None, *, retry_after: int) -> None:
        super().__init__(message, code, headers={"Retry-After": str(retry_after)})


class Refused(ApiError):
    """A handler's own 4xx for a request, with its status, code and sentence."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message, code)
        self.status = status


class Unavailable(ApiError):
    """The model server or the database is busy or away."""

    status = 503
    code = "model_server_unavailable"

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        retry_after: int = 2,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code, details=details, headers={"Retry-After": str(retry_after)})


class Away(Unavailable):
    """There is no model server, or it went away meanwhile: the next one may be asked again."""


def error_response(
    status: int,
    message: str,
    code: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The one error shape."""
    return JSONResponse(_shape(message, code, details), status, headers)


def error_body(error: ApiError) -> dict[str, Any]:
    """The same for one of many things in an answer."""
    return _shape(error.message, error.code, error.details)


def _shape(message: str, code: str, details: Mapping[str, Any] | None) -> dict[str, Any]:
    content: dict[str, Any] = {"success": False, "error": message, "code": code}
    return {**content, "details": dict(details)} if details else content


_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


def answer_api_error(request: Request, error: Exception) -> Response:
    """Exception handler for `ApiError`."""
    assert isinstance(error, ApiError)
    return error.response()


def answer_http_exception(request: Request, error: Exception) -> Response:
    """Exception handler for what Starlette itself raises: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    sentence = _SENTENCES.get(error.status_code, f"{error.detail.rstrip('.')}.")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return error_response(error.status_code, sentence, code, headers=headers)


def _methods(request: Request) -> set[str]:
    """All that an address takes: Starlette names those of its first route only."""
    scope = request.scope
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def answer_unexpected(request_id: str) -> JSONResponse:
    """The answer to a bug of ours, which is in the log under the same id."""
    return error_response(
        500,
        "Something went wrong on our side. Please try again.",
        "internal_error",
        {"request_id": request_id},
    )
