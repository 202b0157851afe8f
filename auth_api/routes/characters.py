"""The characters to learn.

These routes have no rate limit and can be cached, because a class of learners behind one address
loads all pictures at once. An address that names the version of the page never changes its answer.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.authorisation.access import OPERATIONS
from auth_api.http.documents import Document
from auth_api.http.validation import parse_query
from auth_api.routes.openapi import documented
from auth_api.schemas.characters import (
    CharacterList,
    CharacterListQuery,
    PageVersionQuery,
)
from auth_api.services import services

_CACHE_CONTROL = "public, max-age=3600"


@documented(
    tag="characters",
    access=OPERATIONS,
    query=CharacterListQuery,
    answer=CharacterList,
    also={304: None},
)
async def list_characters(request: Request) -> Response:
    """Lists the 36 consonants, or all 62 characters of the script, with their strokes.

    Clients can cache the answer for an hour and then revalidate it with `If-None-Match`.
    """
    query = parse_query(request, CharacterListQuery)
    return _answer(request, services(request).characters.listed[query.characters], query)


@documented(
    tag="characters",
    access=OPERATIONS,
    query=PageVersionQuery,
    answer=None,
    also={304: None},
    media=("image/png",),
    errors=(400, 404),
)
async def reference(request: Request) -> Response:
    """Returns the reference picture of any of the 62 characters: 256x256, black on white.

    Clients can cache the answer for an hour and then revalidate it with `If-None-Match`.
    """
    query = parse_query(request, PageVersionQuery)
    document = services(request).characters.reference(request.path_params["class"])
    return _answer(request, document, query)


def _answer(request: Request, document: Document, query: PageVersionQuery) -> Response:
    page = services(request).page
    return document.answer(request, page.cache_control(query.v, _CACHE_CONTROL))


routes = [
    Route("/api/characters/", list_characters, methods=["GET"]),
    Route("/api/characters/{class}/reference/", reference, methods=["GET"]),
]
