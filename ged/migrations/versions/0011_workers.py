"""workers: living workers, schedules, figures of jobs whose rows were deleted

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("lanes", sa.JSON(), nullable=False),
        sa.Column("started_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("beat_at", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "job_schedules",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("due_at", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_job_schedules")),
    )
    op.create_table(
        "job_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("seconds_sum", sa.Float(), nullable=False),
        sa.Column("seconds_max", sa.Float(), nullable=False),
        sa.Column("last_job_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_job_figures")),
    )
    op.add_column("jobs", sa.Column("started_at", ged.db.UtcDateTime(), nullable=True))
    # A job that ran lately is not due again because its schedule is new: it is due by times after that run.
    op.execute(
        "INSERT INTO job_schedules (kind, due_at) SELECT kind, MAX(created_at) FROM jobs WHERE subject_id = 0 "
        "AND kind IN ('collect_mail', 'alerts', 'seal', 'close_days', 'anchor', 'sweep', 'check_fixity', 'learn', "
        "'preserve_due') GROUP BY kind"
    )


def downgrade() -> None:
    op.drop_column("jobs", "started_at")  # no batch: it would make the table again, without AUTOINCREMENT
    op.drop_table("job_figures")
    op.drop_table("job_schedules")
    op.drop_table("workers")
