"""What operators do on the command line, on the same database as the service."""

from __future__ import annotations

import getpass
import sys

from email_validator import EmailNotValidError, validate_email

from auth_api import cleanup
from auth_api.database import Database
from auth_api.errors import BadRequest
from auth_api.metrics import Metrics
from auth_api.services import migrated, opened
from auth_api.settings import Settings


async def prepare(settings: Settings) -> None:
    """Migrates the database, so that what keeps the service from starting is said in a sentence.

    Raises Unavailable or NewerDatabase.
    """
    database = Database(settings)
    try:
        await migrated(database)
    finally:
        await database.aclose()


async def create_admin(settings: Settings, username: str, email: str) -> None:
    """Makes an administrator. Raises ApiError."""
    try:
        address = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise BadRequest(f"{email} is no e-mail address: {error}") from error
    password = _ask_for_password()
    async with opened(settings, Metrics()) as services:
        await services.accounts.sign_up(username, address, password, role="admin")
    print(f"{username} is an administrator now.")


async def clean_up(settings: Settings, orphan_seconds: float) -> None:
    """Cleans up once and says what was removed. Raises ApiError."""
    async with opened(settings, Metrics()) as services:
        removed = await cleanup.clean_up(services, orphan_seconds)
    print(
        f"Removed {removed.entries} entries of the history, {removed.sessions} ended sessions, "
        f"the pictures of {removed.orphans} entries that are not there, {removed.jobs} jobs and "
        f"the images of {removed.inputs} that are not there or finished."
    )


def _ask_for_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("The two are not the same.")
    return password
