"""Adds the caller's own id of a request to the audit log, beside ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Applies the revision."""
    op.add_column("audit_log", sa.Column("client_request_id", sa.String(), nullable=True))


def downgrade() -> None:
    """Reverts the revision."""
    op.drop_column("audit_log", "client_request_id")
