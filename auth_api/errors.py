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
        ├── Unreachable      503  there is no model server, which may be starting
        └── ModelMissing     503  a model has no archive: it is being trained, or cannot be

Errors are raised where a failure is understood, and turned into an answer by
`auth_api.http.error_responses` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def body_of(message: str, code: str, details: Mapping[str, Any] | None) -> dict[str, Any]:
    """The one error shape."""
    body: dict[str, Any] = {"success": False, "error": message, "code": code}
    return {**body, "details": dict(details)} if details else body


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

    @property
    def body(self) -> dict[str, Any]:
        """The one error shape, as it is sent."""
        return body_of(self.message, self.code, self.details)


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


class Unreachable(Unavailable):
    """There is no model server, or it went away meanwhile: the next one may be asked again."""


class ModelMissing(Unavailable):
    """A model has no archive: it is being trained, or cannot be."""
