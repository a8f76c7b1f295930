"""the job that makes the pages of letters written in Word; from this revision on letters may be written in Word

Revision ID: 0190
Revises: 0111
"""

import sqlalchemy as sa
from alembic import op

revision = "0190"
down_revision = "0111"
branch_labels = None
depends_on = None
oldest_program = "0190"  # an older program can read neither the job nor the pages of a letter written in Word
phase = "contract"


def upgrade() -> None:
    """The tables do not change."""


def downgrade() -> None:
    for table in ("jobs", "job_schedules", "job_figures"):
        kinds = sa.table(table, sa.column("kind"))
        op.execute(sa.delete(kinds).where(kinds.c.kind == "word_pages"))
