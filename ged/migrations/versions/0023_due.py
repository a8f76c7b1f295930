"""due dates keep the day and number of days from which they are counted: a change of the calendar moves them

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("mails", "assignments"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("due_from", sa.Date(), nullable=True))
            batch_op.add_column(sa.Column("due_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    for table in ("assignments", "mails"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("due_days")
            batch_op.drop_column("due_from")
