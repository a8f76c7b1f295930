"""the sizes of the files of monthly reports: an altered file is compared with those of its size alone

Revision ID: 0085
Revises: 0084
"""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    size = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("monthly_report_revisions", sa.Column("size_bytes", size, nullable=True))


def downgrade() -> None:
    op.drop_column("monthly_report_revisions", "size_bytes")
