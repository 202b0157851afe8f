"""Adds the strokes of drawings, and of comparisons marks, faults and other characters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Applies the revision. The mark of an older comparison is its similarity score."""
    op.add_column(
        "comparisons", sa.Column("score", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.execute("UPDATE comparisons SET score = CAST(ROUND(similarity_score) AS INTEGER)")
    op.add_column("comparisons", sa.Column("faults", sa.JSON(), nullable=True))
    op.add_column("comparisons", sa.Column("nearest", sa.JSON(), nullable=True))
    op.add_column("comparisons", sa.Column("others", sa.Integer(), nullable=True))
    for table in ("predictions", "comparisons"):
        op.add_column(table, sa.Column("strokes", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("pen", sa.String(), nullable=True))


def downgrade() -> None:
    """Reverts the revision."""
    for table in ("predictions", "comparisons"):
        op.drop_column(table, "pen")
        op.drop_column(table, "strokes")
    for column in ("others", "nearest", "faults", "score"):
        op.drop_column("comparisons", column)
