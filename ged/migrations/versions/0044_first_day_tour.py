"""the people who have seen the tour of the first day

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0044"
down_revision = "0043"
phase = "expand"
branch_labels = None
depends_on = None
oldest_program = "0042"


def upgrade() -> None:
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("toured_at", ged.db.UtcDateTime(), nullable=True))
    # People who have worked here already need no tour.
    people, sessions = (
        sa.table("people", sa.column("id"), sa.column("toured_at")),
        sa.table("sessions", sa.column("person_id"), sa.column("opened_at")),
    )
    first = sa.select(sa.func.min(sessions.c.opened_at)).where(sessions.c.person_id == people.c.id)
    op.execute(sa.update(people).values(toured_at=first.scalar_subquery()))


def downgrade() -> None:
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("toured_at")
