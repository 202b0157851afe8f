"""All errors that a caller can get.

    ApiError                 {"success": false, "error": ..., "code": ..., "details"?: ...}
    ├── BadRequest           400  the request is not valid
    ├── Unauthorised         401  no credentials, or wrong ones
    ├── Forbidden            403  the caller is signed in but lacks the permission
    ├── NotFound             404  the thing does not exist
    ├── TooSlow              408  the request arrived too slowly; the connection is closed
    ├── Conflict             409  the request contradicts the present state, e.g. a taken name
    ├── TooLarge             413  the body or an image has too many bytes
    ├── UnsupportedMedia     415  the media type of the body is not supported
    ├── TooMany              429  too many requests; Retry-After says when to try again
    ├── HeadTooLarge         431  the head of the request is too long; the connection is closed
    ├── Refused              4xx  a handler rejected the request; status and code are its own
    └── Unavailable          503  TorchServe or the database is busy or unreachable; Retry-After
        ├── Unreachable      503  TorchServe does not run, or its connection was lost
        ├── Unanswered       503  TorchServe runs, but this request failed in it
        │   └── TimedOut     503  it gave no answer in time
        └── ModelMissing     503  the model has no archive: it is in training, or cannot be trained

Code raises an error where it understands the failure. Only `auth_api.http.error_responses` turns
errors into answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def body_of(message: str, code: str, details: Mapping[str, Any] | None) -> dict[str, Any]:
    """The JSON of an error, the same for all errors."""
    body: dict[str, Any] = {"success": False, "error": message, "code": code}
    return {**body, "details": dict(details)} if details else body


class ApiError(Exception):
    """`message` is one sentence for people, `code` a snake_case name for programs."""

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
        return body_of(self.message, self.code, self.details)


class BadRequest(ApiError):
    status = 400
    code = "bad_request"


class Unauthorised(ApiError):
    status = 401
    code = "not_authenticated"

    def __init__(self, message: str, code: str | None = None) -> None:
        # RFC 9110, section 11.6.1: a 401 must say how to sign in.
        super().__init__(message, code, headers={"WWW-Authenticate": 'Bearer realm="ranjana"'})


class Forbidden(ApiError):
    status = 403
    code = "forbidden"


class NotFound(ApiError):
    status = 404
    code = "not_found"


class TooSlow(ApiError):
    status = 408
    code = "request_too_slow"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Connection": "close"})


class HeadTooLarge(ApiError):
    status = 431
    code = "head_too_large"


class Conflict(ApiError):
    status = 409
    code = "conflict"


class TooLarge(ApiError):
    status = 413
    code = "body_too_large"


class UnsupportedMedia(ApiError):
    status = 415
    code = "unsupported_media_type"


class TooMany(ApiError):
    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, code: str | None = None, *, retry_after: int) -> None:
        super().__init__(message, code, headers={"Retry-After": str(retry_after)})


class Refused(ApiError):
    """A handler's 4xx answer, with its own status, sentence and code."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message, code)
        self.status = status


class Unavailable(ApiError):
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
    """TorchServe does not run, or its connection was lost. The request may be repeated."""


class Unanswered(Unavailable):
    """TorchServe took the request and failed, or gave no answer in time. Its image may be why."""


class TimedOut(Unanswered):
    """TorchServe gave no answer in time."""


class ModelMissing(Unavailable):
    """The model has no archive: it is in training, or cannot be trained."""
