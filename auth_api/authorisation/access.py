"""Declares who may call a route. `authoriser` enforces it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from auth_api.database.tables.accounts import Scope
from auth_api.errors import Forbidden

ROLES = ("user", "analyst", "data-scientist", "ml-engineer", "admin")
"""Each role may do everything that the roles before it may."""


@dataclass(frozen=True)
class Caller:
    """A user who is signed in with a session or an API key."""

    user_id: int
    role: str
    session_id: str | None = None
    api_key_id: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Access:
    """The requirements of a route."""

    who: Literal["anyone", "callers", "models", "users"] = "users"
    """`callers`: anyone, and it matters who is signed in. `models`: the same, but only users if
    `ML_AUTH_REQUIRED` is set."""
    scope: Scope | None = None
    """The scope that an API key needs; None rejects all API keys."""
    role: str = "user"
    rate: Literal["signin", "predict", "pictures", "other"] | None = "other"
    """`pictures`: the request counts as `other`. Its pictures count as `predict` as soon as their
    number is known, which `Authoriser.count_pictures` does."""
    same_origin: bool = False
    """Rejects requests from pages of other sites, for routes that read a cookie."""


OPERATIONS = Access(who="anyone", rate=None)
PUBLIC = Access(who="anyone")
WORKSHEETS = Access(who="callers", scope="history")
SIGN_IN = Access(who="anyone", rate="signin")
WEB_SIGN_IN = replace(SIGN_IN, same_origin=True)
WEB = replace(PUBLIC, same_origin=True)
MODELS = Access(who="models", scope="predict", rate="predict")
BATCHES = replace(MODELS, rate="pictures")
HISTORY = Access(scope="history")
ACCOUNT = Access()


def at_least(role: str) -> Access:
    """Access for `role` and the roles above it, without API keys."""
    return replace(ACCOUNT, role=role)


def rank(role: str) -> int:
    """The position of a role in `ROLES`; -1 for an unknown role."""
    return ROLES.index(role) if role in ROLES else -1


def role_missing(role: str) -> Forbidden:
    """The error for a caller below `role`."""
    return Forbidden(f"This is for the role '{role}' and above.", "role_missing")
