"""Adds the client of a session, its last use, and whether a web page holds it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Applies the revision."""
    op.add_column("sessions", sa.Column("client", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "sessions", sa.Column("web", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Reverts the revision."""
    for column in ("web", "last_used_at", "client"):
        op.drop_column("sessions", column)
