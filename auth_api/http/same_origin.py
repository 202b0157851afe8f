"""Rejects requests that another site's page makes a browser send with this service's cookies.

Browsers state the page in `Sec-Fetch-Site` (W3C, Fetch Metadata), older ones in `Origin`. Other
programs send neither header, and no cookie that they were not given.

The scheme of a request is the one that a trusted proxy states, else the one of the connection. It
is wrong behind a proxy for https that `TRUSTED_PROXIES` does not name. A browser that says
`same-origin` has compared the schemes itself, so its users can sign in all the same.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from auth_api.errors import Forbidden

_ALLOWED_SITES = frozenset({"same-origin", "none"})
"""`none` stands for a request that the user started, without a page."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def require_same_origin(request: Request) -> None:
    """Raises `Forbidden` for a request from a page of another site, port or scheme."""
    sites = request.headers.getlist("sec-fetch-site")
    if not _ALLOWED_SITES.issuperset(sites):
        raise _cross_site()
    host = request.headers.get("host", "")
    for origin in request.headers.getlist("origin"):
        scheme = _scheme_of(origin, host)
        if scheme is None:
            raise _cross_site()
        if scheme != request.url.scheme and "same-origin" not in sites:
            raise _cross_site(
                f" This page is {scheme}, its request {request.url.scheme}. If a proxy does that,"
                " name it in TRUSTED_PROXIES, and let it send X-Forwarded-Proto."
            )


def _scheme_of(origin: str, host: str) -> str | None:
    """The scheme of a page of this host and port, None for any other page."""
    try:
        scheme, netloc, *_ = urlsplit(origin)
    except ValueError:
        return None
    port = _DEFAULT_PORTS.get(scheme, "")
    same = netloc.lower().removesuffix(port) == host.lower().removesuffix(port)
    return scheme if netloc and same else None


def _cross_site(hint: str = "") -> Forbidden:
    return Forbidden(f"Pages of other sites may not do this.{hint}", "cross_site")
