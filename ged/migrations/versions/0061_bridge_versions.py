"""the version of the program of each scanner bridge

Revision ID: 0061
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"


def upgrade() -> None:
    op.add_column("bridges", sa.Column("program_version", sa.String(length=40), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("bridges", "program_version")
