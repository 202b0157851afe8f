"""Who may call a route: each route is declared with an `Access`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from auth_api.database.tables.accounts import Scope
from auth_api.errors import Forbidden

ROLES = ("user", "analyst", "data-scientist", "ml-engineer", "admin")
"""Each may do all that those before it may."""


@dataclass(frozen=True)
class Caller:
    """A signed-in user, by a session or by an API key."""

    user_id: int
    role: str
    session_id: str | None = None
    api_key_id: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Access:
    """What a route asks of its callers."""

    who: Literal["anyone", "models", "users"] = "users"
    """`models`: anyone, unless `ML_AUTH_REQUIRED`."""
    scope: Scope | None = None
    """What an API key must be for; without one, no key will do."""
    role: str = "user"
    rate: Literal["signin", "predict", "other"] | None = "other"
    same_origin: bool = False
    """Whether pages of other sites are refused, as they must be where a cookie counts."""


OPERATIONS = Access(who="anyone", rate=None)
PUBLIC = Access(who="anyone")
SIGN_IN = Access(who="anyone", rate="signin")
WEB_SIGN_IN = replace(SIGN_IN, same_origin=True)
WEB = replace(PUBLIC, same_origin=True)
MODELS = Access(who="models", scope="predict", rate="predict")
HISTORY = Access(scope="history")
ACCOUNT = Access()


def at_least(role: str) -> Access:
    """For those who have `role` or one above it."""
    return replace(ACCOUNT, role=role)


def rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1


def role_missing(role: str) -> Forbidden:
    return Forbidden(f"This is for the role '{role}' and above.", "role_missing")
