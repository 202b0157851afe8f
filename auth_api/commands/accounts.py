"""`create-admin` and `users`: accounts are created, listed, changed, deactivated and unlocked."""

from __future__ import annotations

import argparse
from typing import Any

from email_validator import EmailNotValidError, validate_email

from auth_api.accounts.administration import shown
from auth_api.authorisation.access import ROLES
from auth_api.commands.options import add_limit, printable
from auth_api.commands.output import Output
from auth_api.commands.prompts import ask_for_password
from auth_api.database.tables.accounts import User
from auth_api.errors import BadRequest
from auth_api.http.validation import validated
from auth_api.schemas.administration import ChangedUser
from auth_api.services import Services

_COLUMNS = ("id", "username", "email", "role", "active", "training_consent", "created_at")


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    admin = commands.add_parser(
        "create-admin",
        parents=[common],
        help="creates an administrator; asks for the password, or reads it from a pipe",
    )
    admin.add_argument("--username", required=True)
    admin.add_argument("--email", required=True)
    admin.set_defaults(command=_create_admin)
    users = commands.add_parser("users", help="lists and changes accounts")
    verbs = users.add_subparsers(metavar="VERB", required=True)
    adding = verbs.add_parser(
        "add",
        parents=[common],
        help="creates an account; asks for the password, or reads it from a pipe",
    )
    adding.add_argument("username")
    adding.add_argument("email")
    adding.add_argument("--role", choices=ROLES, default=ROLES[0])
    adding.set_defaults(command=_add)
    listing = verbs.add_parser("list", parents=[common], help="lists the newest accounts")
    listing.add_argument("--role", choices=ROLES)
    listing.add_argument("--active", action=argparse.BooleanOptionalAction)
    listing.add_argument("--search", type=printable, help="part of the username or e-mail address")
    add_limit(listing)
    listing.set_defaults(command=_list)
    for verb, command, text in (
        ("show", _show, "shows an account"),
        ("set-role", _set_role, "changes the role of a user"),
        ("activate", _activate, "lets a user sign in again"),
        ("deactivate", _deactivate, "signs a user out everywhere and lets them sign in no more"),
        ("unlock", _unlock, "forgets the wrong passwords that were sent for a user"),
        ("reset-password", _reset_password, "sets a new password and ends all sessions"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        parser.add_argument("user", type=printable, help="number, username or e-mail address")
        if verb == "set-role":
            parser.add_argument("role", choices=ROLES)
        parser.set_defaults(command=command)


async def _create_admin(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await _created(services, options, ROLES[-1])
    output.done(f"{user.username} is an administrator now.", shown(user))


async def _add(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await _created(services, options, options.role)
    output.done(f"{user.username} may sign in, with the role {user.role}.", shown(user))


async def _created(services: Services, options: argparse.Namespace, role: str) -> User:
    try:
        address = validate_email(options.email.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise BadRequest(
            f"{options.email} is no e-mail address: {error}", "validation_failed"
        ) from error
    password = ask_for_password()
    username = options.username.strip()
    number = await services.registration.sign_up(username, address, password, role=role)
    return await services.users.one(number)


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    found = await services.users.page(
        options.limit, None, role=options.role, active=options.active, search=options.search
    )
    output.rows(_COLUMNS, [shown(user) for user in found])


async def _show(services: Services, options: argparse.Namespace, output: Output) -> None:
    output.one(shown(await services.users.named(options.user)))


async def _set_role(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await _changed(services, options, ChangedUser(role=options.role))
    output.done(f"{user.username} now has the role {user.role}.", shown(user))


async def _activate(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await _changed(services, options, ChangedUser(active=True))
    output.done(f"{user.username} may sign in.", shown(user))


async def _deactivate(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await _changed(services, options, ChangedUser(active=False))
    output.done(f"{user.username} can no longer sign in.", shown(user))


async def _unlock(services: Services, options: argparse.Namespace, output: Output) -> None:
    user = await services.users.named(options.user)
    assert user.id is not None
    await services.users.unlock(user.id)
    output.done(f"{user.username} may try to sign in again.", shown(user))


async def _reset_password(services: Services, options: argparse.Namespace, output: Output) -> None:
    await services.users.named(options.user)  # fails before the operator types a password
    changes = validated({"password": ask_for_password()}, ChangedUser)
    user = await _changed(services, options, changes)
    output.done(f"{user.username} has a new password and is signed out everywhere.", shown(user))


async def _changed(services: Services, options: argparse.Namespace, changes: ChangedUser) -> User:
    found = await services.users.named(options.user)
    assert found.id is not None
    return await services.users.change(found.id, changes)
