"""Adds model versions, usage counts, and corrections as training data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "model_versions",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("archive", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("model", "version"),
    )
    op.create_table(
        "model_releases",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("default_version", sa.String(), nullable=False),
        sa.Column("traffic", sa.JSON(), nullable=False),
        sa.Column("previous_version", sa.String(), nullable=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("model"),
    )
    op.create_table(
        "usage_hours",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("label", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("squares", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "model", "version", "measure", "label"),
    )
    op.create_table(
        "usage_days",
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("day", MOMENT, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("label", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("squares", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "day", "model", "version", "label"),
    )
    op.add_column(
        "users",
        sa.Column("training_consent", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("feedback", sa.Column("sha256", sa.String(), nullable=True))
    op.add_column("feedback", sa.Column("verdict", sa.String(), nullable=True))
    op.add_column("feedback", sa.Column("judged_at", MOMENT, nullable=True))
    op.add_column("feedback", sa.Column("judged_by", NUMBER, nullable=True))
    op.create_index("ix_feedback_sha256", "feedback", ["sha256"])
    op.create_index("ix_feedback_created", "feedback", ["created_at"])


def downgrade() -> None:
    """Reverts the revision."""
    op.drop_index("ix_feedback_created", "feedback")
    op.drop_index("ix_feedback_sha256", "feedback")
    for column in ("judged_by", "judged_at", "verdict", "sha256"):
        op.drop_column("feedback", column)
    op.drop_column("users", "training_consent")
    op.drop_table("usage_days")
    op.drop_table("usage_hours")
    op.drop_table("model_releases")
    op.drop_table("model_versions")
