"""Adds how much an attempt was helped, its own id, and when it was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_FROM_MEMORY = """
UPDATE character_progress SET from_memory = attempts,
    first_from_memory = (SELECT MIN(attempts.at) FROM attempts WHERE {same}),
    last_from_memory = (SELECT MAX(attempts.at) FROM attempts WHERE {same})
"""
_SAME = (
    "attempts.user_id = character_progress.user_id "
    "AND attempts.character = character_progress.character"
)


def upgrade() -> None:
    """Applies the revision. Older attempts count as written from memory."""
    for table in ("comparisons", "attempts"):
        without = sa.Column("help", sa.String(), nullable=False, server_default=sa.text("'none'"))
        op.add_column(table, without)
    moment = sa.DateTime(timezone=True)
    op.add_column("comparisons", sa.Column("written_at", moment, nullable=True))
    op.add_column("attempts", sa.Column("attempt_id", sa.String(), nullable=True))
    op.create_index("ix_attempts_attempt_id", "attempts", ["user_id", "attempt_id"], unique=True)
    number = sa.Column("from_memory", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("character_progress", number)
    for name in ("first_from_memory", "last_from_memory"):
        op.add_column("character_progress", sa.Column(name, moment, nullable=True))
    op.execute(_FROM_MEMORY.format(same=_SAME))
    op.add_column(
        "practice_slots",
        sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Reverts the revision."""
    op.drop_column("practice_slots", "late")
    for name in ("last_from_memory", "first_from_memory", "from_memory"):
        op.drop_column("character_progress", name)
    op.drop_index("ix_attempts_attempt_id", "attempts")
    for table, name in (
        ("attempts", "attempt_id"),
        ("comparisons", "written_at"),
        ("attempts", "help"),
        ("comparisons", "help"),
    ):
        op.drop_column(table, name)
