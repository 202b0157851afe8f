"""Whether the owner of a job may still have it run.

The account is asked when a job is claimed, with every write of its process, and again before a
trained version is registered.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from auth_api.authorisation.access import rank
from auth_api.database.tables.accounts import User
from auth_api.database.tables.jobs import Job
from auth_api.errors import Forbidden

ROLES: Mapping[str, str] = {"train": "data-scientist", "tune": "data-scientist"}
"""The lowest role that may have a kind of job, `user` where it is missing."""

BY_OPERATOR = "by_operator"
"""Parameter of a job that an operator queued for its owner, whose role then does not matter."""


def require_entitled(transaction: Session, job: Job) -> str:
    """The role of the owner. Raises `Forbidden`, with a sentence for them, unless they may still
    have the job run.
    """
    user = transaction.get(User, job.user_id)
    if user is None or not user.active:
        raise Forbidden("The account is not active any more.", "account_inactive")
    role = ROLES.get(job.kind, "user")
    if rank(user.role) < rank(role) and not job.parameters.get(BY_OPERATOR):
        raise Forbidden(f"Its owner does not have the role '{role}' any more.", "role_missing")
    return user.role
