"""Adds uploads under way, and where an image lies in a zip."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Applies the revision."""
    op.add_column("job_items", sa.Column("packed", sa.BigInteger(), nullable=True))
    op.add_column("job_items", sa.Column("crc", sa.BigInteger(), nullable=True))
    op.create_table(
        "upload_reservations",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_upload_reservations_user_id", "upload_reservations", ["user_id"])


def downgrade() -> None:
    """Reverts the revision. Pictures of unfinished jobs in a zip are unreadable from then on."""
    op.drop_table("upload_reservations")
    for column in ("crc", "packed"):
        op.drop_column("job_items", column)
