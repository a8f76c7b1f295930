"""the address that is printed at the foot of a unit's sheets

Revision ID: 0107
Revises: 0106
"""

import sqlalchemy as sa
from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    op.add_column("units", sa.Column("address", sa.String(200), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("units", "address")
