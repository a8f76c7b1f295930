"""the daily message of the program to itself, and why one did not leave

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None
oldest_program = "0043"  # an older one cannot read the new kind of job


def upgrade() -> None:
    with op.batch_alter_table("mail_loops", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failure", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("mail_loops", schema=None) as batch_op:
        batch_op.drop_column("failure")
    for table in ("jobs", "job_schedules", "job_figures"):
        kinds = sa.table(table, sa.column("kind"))
        op.execute(sa.delete(kinds).where(kinds.c.kind == "mail_loop"))
