"""Sign-up, and changes to the caller's own account."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.accounts.registration import require_valid
from auth_api.authorisation.access import ACCOUNT, HISTORY, SIGN_IN
from auth_api.database.columns import now
from auth_api.database.tables.accounts import User
from auth_api.errors import BadRequest
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import invalid, json_fields, parse_json, together, validated
from auth_api.http.zip_stream import zipped
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import ChangePassword, ChangeUsername, Me, Message, Profile, SignUp
from auth_api.services import caller, services


@documented(tag="accounts", access=SIGN_IN, json=SignUp, answer=Message, status=201, errors=(409,))
async def sign_up(request: Request) -> JSONResponse:
    """Creates an account. A 400 names all fields that are wrong."""
    content = await json_fields(request)
    registration = services(request).registration
    username, email, password = (_text(content, each) for each in ("username", "email", "password"))
    try:
        together(
            lambda: validated(content, SignUp),
            lambda: require_valid(username.strip(), email.strip(), password),
            lambda: _require_same(content),
        )
    except BadRequest as error:
        refused = (error.details or {})["fields"]
        # The database is asked for valid names only.
        names = {"username": username.strip(), "email": email.strip()}
        valid = ("" if name in refused else value for name, value in names.items())
        error.details = {"fields": {**await registration.taken(*valid), **refused}}
        raise
    fields = validated(content, SignUp)
    await registration.sign_up(
        fields.username,
        fields.email,
        fields.password,
        timezone=fields.timezone,
        training_consent=fields.training_consent,
        request=request,
    )
    return JSONResponse({"message": "User created successfully."}, 201)


@documented(tag="accounts", access=ACCOUNT, answer=Me)
async def me(request: Request) -> JSONResponse:
    """Shows the caller's account."""
    return _me(await services(request).profiles.get(caller(request)))


@documented(tag="accounts", access=ACCOUNT, json=Profile, answer=Me)
async def change_profile(request: Request) -> JSONResponse:
    """Changes the time zone in which days are counted, or the consent to training.

    Withdrawn consent applies at once: no later export or training uses the caller's pictures.
    """
    fields = await parse_json(request, Profile)
    changed = await services(request).profiles.change(
        caller(request), fields.timezone, fields.training_consent, request
    )
    return _me(changed)


@documented(tag="accounts", access=ACCOUNT, answer=Message, errors=(409,))
async def delete_me(request: Request) -> JSONResponse:
    """Permanently deletes the caller's account with its history, pictures and all other data.

    The last administrator cannot be deleted (`last_admin`).
    """
    await services(request).profiles.delete(caller(request))
    return JSONResponse({"message": "Account deleted successfully."})


@documented(tag="accounts", access=HISTORY, answer=None, media=("application/zip",))
async def export(request: Request) -> Response:
    """Streams everything that the service has of the account as a zip.

    It has `profile.json` with the consent, `sessions.json`, `api-keys.json` without the keys
    themselves, `history.json`, `feedback.json`, `progress.json`, `attempts.json`, `jobs.json` with
    the results, and the pictures of the history as `pictures/predictions/{id}-image.*` and
    `pictures/similarities/{id}-user.*`, `-reference.*`, `-overlay.*`. An API key gets history,
    feedback, progress and pictures, with the scope `predict` also prediction jobs.
    """
    app, owner = services(request), caller(request)
    await app.account_export.record(owner, request)
    name = f"ranjana-account-{now():%Y-%m-%d}.zip"
    return StreamingResponse(
        zipped(app.account_export.files(owner)),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@documented(tag="accounts", access=ACCOUNT, json=ChangePassword, answer=Message, errors=(409,))
async def change_password(request: Request) -> JSONResponse:
    """Changes the password and ends all other sessions.

    A wrong old password is a 403 (`wrong_password`); too many of them in a session are a 429.
    """
    fields = await parse_json(request, ChangePassword)
    await services(request).credentials.change_password(
        caller(request), fields.old_password, fields.new_password, request
    )
    return JSONResponse({"message": "Password updated successfully."})


@documented(tag="accounts", access=ACCOUNT, json=ChangeUsername, answer=Message, errors=(409,))
async def change_username(request: Request) -> JSONResponse:
    """Changes the username."""
    fields = await parse_json(request, ChangeUsername)
    await services(request).profiles.change_username(caller(request), fields.new_username, request)
    return JSONResponse({"message": "Username updated successfully."})


def _text(content: dict[str, Any], name: str) -> str:
    """A field before it is checked, empty if it is no text."""
    text = content.get(name)
    return text if isinstance(text, str) else ""


def _require_same(content: dict[str, Any]) -> None:
    if content.get("password2") not in (None, content.get("password")):
        raise invalid("password2", "is not the same as the password")


def _me(user: User) -> JSONResponse:
    return JSONResponse(Me.model_validate(user, from_attributes=True).model_dump(mode="json"))


routes = [
    Route("/api/signup/", sign_up, methods=["POST"]),
    Route("/api/register/", sign_up, methods=["POST"]),
    Route("/api/me/", me, methods=["GET"]),
    Route("/api/me/", change_profile, methods=["PATCH"]),
    Route("/api/me/", delete_me, methods=["DELETE"]),
    Route("/api/me/export/", export, methods=["GET"]),
    Route("/api/change-password/", change_password, methods=["POST"]),
    Route("/api/change-username/", change_username, methods=["POST"]),
]
