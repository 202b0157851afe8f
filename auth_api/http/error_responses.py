"""Turns errors into answers, all in the shape of `auth_api.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from auth_api.errors import ApiError, body_of
from auth_api.http.json_response import JSONResponse

_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


def response_of(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body, error.status, error.headers)


def error_response(
    status: int,
    message: str,
    code: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer to a failure that is not an `ApiError`."""
    return JSONResponse(body_of(message, code, details), status, headers)


def answer_api_error(request: Request, error: Exception) -> Response:
    """Exception handler for `ApiError`."""
    assert isinstance(error, ApiError)
    return response_of(error)


def answer_http_exception(request: Request, error: Exception) -> Response:
    """Exception handler for unknown paths and methods, which Starlette itself raises."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    sentence = _SENTENCES.get(error.status_code, f"{error.detail.rstrip('.')}.")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return error_response(error.status_code, sentence, code, headers=headers)


def _methods(request: Request) -> set[str]:
    """All methods of an address. Starlette names only those of its first route."""
    scope = request.scope
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def answer_unexpected(request_id: str) -> JSONResponse:
    """The answer to a bug. The log has the exception under the same id."""
    return error_response(
        500,
        "Something went wrong on our side. Please try again.",
        "internal_error",
        {"request_id": request_id},
    )
