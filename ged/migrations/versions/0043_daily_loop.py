"""the daily message of the program to itself, and the reason why one was not sent

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"


def upgrade() -> None:
    with op.batch_alter_table("mail_loops", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failure", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("mail_loops", schema=None) as batch_op:
        batch_op.drop_column("failure")
