"""Adds the devices that have signed in, and how often an operator unlocked an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "known_devices",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("ix_known_devices_user_id", "known_devices", ["user_id"])
    op.add_column(
        "users", sa.Column("unlocks", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    """Reverts the revision."""
    op.drop_column("users", "unlocks")
    op.drop_table("known_devices")
