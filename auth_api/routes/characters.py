"""The characters to learn.

These routes have no rate limit and can be cached, because a class of learners behind one address
loads all pictures at once.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.authorisation.access import OPERATIONS
from auth_api.http.validation import parse_query
from auth_api.practice.characters import Document
from auth_api.routes.openapi import documented
from auth_api.schemas.characters import CharacterList, CharactersQuery
from auth_api.services import services

_CACHE_CONTROL = "public, max-age=3600"


@documented(
    tag="characters",
    access=OPERATIONS,
    query=CharactersQuery,
    answer=CharacterList,
    also={304: None},
)
async def list_characters(request: Request) -> Response:
    """Lists the 36 consonants, or all 62 characters of the script, with their strokes.

    Clients can cache the answer for an hour and then revalidate it with `If-None-Match`.
    """
    asked = parse_query(request, CharactersQuery).characters
    return _answer(request, services(request).characters.listed[asked])


@documented(
    tag="characters",
    access=OPERATIONS,
    answer=None,
    also={304: None},
    media=("image/png",),
    errors=(400, 404),
)
async def reference(request: Request) -> Response:
    """Returns the reference picture of any of the 62 characters: 256x256, black on white.

    Clients can cache the answer for an hour and then revalidate it with `If-None-Match`.
    """
    return _answer(request, services(request).characters.reference(request.path_params["class"]))


def _answer(request: Request, document: Document) -> Response:
    headers = {"Cache-Control": _CACHE_CONTROL, "ETag": document.etag}
    if _is_cached(request, document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.content, media_type=document.media_type, headers=headers)


def _is_cached(request: Request, etag: str) -> bool:
    """Whether the client has the document already (RFC 9110, section 13.1.2)."""
    listed = ",".join(request.headers.getlist("if-none-match")).split(",")
    return not {"*", etag}.isdisjoint(each.strip().removeprefix("W/") for each in listed)


routes = [
    Route("/api/characters/", list_characters, methods=["GET"]),
    Route("/api/characters/{class}/reference/", reference, methods=["GET"]),
]
