"""Users, managed by administrators."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.accounts.administration import shown
from auth_api.authorisation.access import at_least
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_json, parse_query, row_number
from auth_api.routes.openapi import documented
from auth_api.schemas.administration import ChangedUser, NewUser, UserPage, UserQuery, UserShown
from auth_api.services import caller, services

_ADMIN = at_least("admin")


@documented(tag="administration", access=_ADMIN, query=UserQuery, answer=UserPage)
async def users(request: Request) -> JSONResponse:
    """Lists users, newest first."""
    query = parse_query(request, UserQuery)
    found = await services(request).users.page(
        query.limit + 1,
        row_before(query.cursor),
        role=query.role,
        active=query.active,
        search=query.search,
    )
    return JSONResponse(page([shown(row) for row in found], query.limit))


@documented(
    tag="administration",
    access=_ADMIN,
    json=NewUser,
    answer=UserShown,
    status=201,
    errors=(409,),
)
async def create(request: Request) -> JSONResponse:
    """Creates an account with any role for another person."""
    fields = await parse_json(request, NewUser)
    app = services(request)
    number = await app.registration.sign_up(
        fields.username,
        fields.email,
        fields.password,
        timezone=fields.timezone,
        role=fields.role,
        request=request,
        created_by=caller(request),
    )
    return JSONResponse(shown(await app.users.one(number)), 201)


@documented(tag="administration", access=_ADMIN, answer=UserShown, errors=(404,))
async def user(request: Request) -> JSONResponse:
    """Shows a user."""
    return JSONResponse(shown(await services(request).users.one(row_number(request))))


@documented(
    tag="administration", access=_ADMIN, json=ChangedUser, answer=UserShown, errors=(404, 409)
)
async def change(request: Request) -> JSONResponse:
    """Changes a user. Absent fields stay as they are.

    A new role applies from the user's next request on. A new password ends all sessions of the
    user. The last active administrator cannot be demoted or deactivated.
    """
    return await _change(request, row_number(request), await parse_json(request, ChangedUser))


@documented(tag="administration", access=_ADMIN, answer=UserShown, errors=(404, 409))
async def deactivate(request: Request) -> JSONResponse:
    """Deactivates a user: sessions end at once, and API keys and password stop working.

    The history is kept. `PUT` with `active: true` activates the user again.
    """
    return await _change(request, row_number(request), ChangedUser(active=False))


async def _change(request: Request, number: int, changes: ChangedUser) -> JSONResponse:
    changed = await services(request).users.change(number, changes, caller(request), request)
    return JSONResponse(shown(changed))


_USER = "/api/admin/users/{id}/"

routes = [
    Route("/api/admin/users/", users, methods=["GET"]),
    Route("/api/admin/users/", create, methods=["POST"]),
    Route(_USER, user, methods=["GET"]),
    Route(_USER, change, methods=["PUT"]),
    Route(_USER, deactivate, methods=["DELETE"]),
]
