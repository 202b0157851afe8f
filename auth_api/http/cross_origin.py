"""Answers browsers that ask whether a page of another site may call the service (CORS)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from auth_api.errors import BadRequest
from auth_api.http.error_responses import response_of


class CrossOrigin(CORSMiddleware):
    """Starlette's middleware, with refusals in the one error shape."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to the question before a request."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refusal = bytes(response.body).decode().removeprefix("Disallowed CORS ")
        refused = response_of(
            BadRequest(
                f"A page of this origin may not send such a request. Not allowed: {refusal}.",
                "cross_origin_refused",
            )
        )
        for name, value in response.headers.items():
            refused.headers.setdefault(name, value)
        return refused
