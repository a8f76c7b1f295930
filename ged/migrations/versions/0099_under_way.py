"""assignments whose letter is under way, kept by triggers: those that wait are found without reading what was closed

Revision ID: 0099
Revises: 0098
"""

import sqlalchemy as sa
from alembic import op

from ged.migrations.tools import keep_under_way, leave_under_way
from ged.under_way import FILL

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    op.add_column("assignments", sa.Column("is_under_way", sa.Boolean(), server_default=sa.false(), nullable=False))
    keep_under_way()
    op.execute(FILL)


def downgrade() -> None:
    leave_under_way()
    op.drop_column("assignments", "is_under_way")
