"""Answers that are the same for everyone until the service is updated, compressed once."""

from __future__ import annotations

import gzip
import hashlib

from starlette.requests import Request
from starlette.responses import Response

FOR_EVER = "public, max-age=31536000, immutable"
"""Cache-Control of an address that names the version of its content."""
REVALIDATE = "no-cache"

_COMPRESSIBLE = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


class Document:
    """A response body."""

    def __init__(self, content: bytes, media_type: str) -> None:
        self.content = content
        self.media_type = media_type
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        """Value of the ETag header (RFC 9110, section 8.8.3)."""
        compressible = media_type.startswith(_COMPRESSIBLE)
        self._compressed = gzip.compress(content, mtime=0) if compressible else None

    def answer(self, request: Request, cache_control: str) -> Response:
        """The answer to a request: 304 if the client has the document already."""
        headers = {"Cache-Control": cache_control, "ETag": self.etag}
        if self._compressed is not None:
            headers["Vary"] = "Accept-Encoding"
        if self._is_known(request):
            return Response(status_code=304, headers=headers)
        content = self.content
        if self._compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            content, headers["Content-Encoding"] = self._compressed, "gzip"
        return Response(content, media_type=self.media_type, headers=headers)

    def _is_known(self, request: Request) -> bool:
        """Whether the client has it already (RFC 9110, section 13.1.2)."""
        listed = ",".join(request.headers.getlist("if-none-match")).split(",")
        return not {"*", self.etag}.isdisjoint(each.strip().removeprefix("W/") for each in listed)
