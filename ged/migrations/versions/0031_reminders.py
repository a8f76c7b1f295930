"""reminders of letters that wait

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
oldest_program = "0031"  # an older program does not know the kind of job

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("assignment_id", _ID, nullable=False),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.Column("by_person_id", _ID, nullable=False),
        sa.Column("by_post_id", _ID, nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_reminders_mail_id_mails")),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_reminders_assignment_id_assignments")
        ),
        sa.ForeignKeyConstraint(["by_person_id"], ["people.id"], name=op.f("fk_reminders_by_person_id_people")),
        sa.ForeignKeyConstraint(["by_post_id"], ["posts.id"], name=op.f("fk_reminders_by_post_id_posts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("assignment_id", "reminded_on", name=op.f("uq_reminders_assignment_id_reminded_on")),
    )
    op.create_index(op.f("ix_reminders_mail_id"), "reminders", ["mail_id"], unique=False)
    hold(Held("reminders"))


def downgrade() -> None:
    op.drop_table("reminders")
