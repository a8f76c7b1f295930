"""changes that wait until no earlier release runs: the count of failed sign-ins is dropped, and changes of the
organisation may be planned

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
phase = "contract"
oldest_program = "0052"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_table("login_attempts")


def downgrade() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", ged.db.UtcDateTime(), nullable=True),
        sa.Column("last_at", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
        sa.UniqueConstraint("subject", name=op.f("uq_login_attempts_subject")),
    )
    for table in ("jobs", "job_schedules", "job_figures"):
        kinds = sa.table(table, sa.column("kind"))
        op.execute(sa.delete(kinds).where(kinds.c.kind.in_(["mail_loop", "organisation_acts"])))
