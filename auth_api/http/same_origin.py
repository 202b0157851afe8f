"""What pages of others have a browser send here, which goes with the cookies that it has of us.

Browsers say so by themselves: in `Sec-Fetch-Site` (W3C, Fetch Metadata), older ones in `Origin`.
A program other than a browser sends neither, and no cookie that it was not given.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from auth_api.errors import Forbidden

_OURS = frozenset({"same-origin", "none"})
"""Sent by a page of this service, or by nobody's page."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def require_same_origin(request: Request) -> None:
    """Raises Forbidden for what another site's page, or one on another port, asks for."""
    sites = request.headers.getlist("sec-fetch-site")
    origins = request.headers.getlist("origin")
    host = request.headers.get("host", "")
    if not _OURS.issuperset(sites) or not all(_is_ours(origin, host) for origin in origins):
        raise Forbidden("Pages of other sites may not do this.", "cross_site")


def _is_ours(origin: str, host: str) -> bool:
    try:
        scheme, place, *_ = urlsplit(origin)
    except ValueError:
        return False
    port = _DEFAULT_PORTS.get(scheme, "")
    return bool(place) and place.lower().removesuffix(port) == host.lower().removesuffix(port)
