"""small files of imported letters are rows

A program of the release before would miss them: none is written before the upgrade has ended.

Revision ID: 0105
Revises: 0104
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "packed_files",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stored", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_packed_files")),
    )


def downgrade() -> None:
    """The bytes go with their rows: put them back from a backup, which holds each as a file."""
    op.drop_table("packed_files")
