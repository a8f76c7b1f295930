"""filing classes that take no more letters

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    with op.batch_alter_table("filing_classes") as table:
        table.add_column(sa.Column("is_closed", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("filing_classes") as table:
        table.drop_column("is_closed")
