"""Rejects requests that another site's page makes a browser send with this service's cookies.

Browsers state the page in `Sec-Fetch-Site` (W3C, Fetch Metadata), older ones in `Origin`. Other
programs send neither header, and no cookie that they were not given.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from auth_api.errors import Forbidden

_ALLOWED_SITES = frozenset({"same-origin", "none"})
"""`none` stands for a request that the user started, without a page."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def require_same_origin(request: Request) -> None:
    """Raises `Forbidden` for a request from a page of another site or port."""
    sites = request.headers.getlist("sec-fetch-site")
    origins = request.headers.getlist("origin")
    host = request.headers.get("host", "")
    if not _ALLOWED_SITES.issuperset(sites) or not all(
        _is_same(origin, host) for origin in origins
    ):
        raise Forbidden("Pages of other sites may not do this.", "cross_site")


def _is_same(origin: str, host: str) -> bool:
    try:
        scheme, netloc, *_ = urlsplit(origin)
    except ValueError:
        return False
    port = _DEFAULT_PORTS.get(scheme, "")
    return bool(netloc) and netloc.lower().removesuffix(port) == host.lower().removesuffix(port)
