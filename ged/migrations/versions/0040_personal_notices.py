"""notices to each person, once, and by which way; reminders of due dates

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None
oldest_program = "0040"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice_mails",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notice_mails_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_notice_mails_message_id")),
    )
    op.create_index("ix_notice_mails_person_id_id", "notice_mails", ["person_id", "id"])
    op.create_table(
        "personal_notices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("occasion", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("subject_id", _ID, nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.Column("sent_in_id", _ID, nullable=True),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_personal_notices_person_id_people")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_personal_notices_mail_id_mails")),
        sa.ForeignKeyConstraint(
            ["sent_in_id"], ["notice_mails.id"], name=op.f("fk_personal_notices_sent_in_id_notice_mails")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_notices")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_personal_notices_person_id_key")),
    )
    op.create_index("ix_personal_notices_person_id_id", "personal_notices", ["person_id", "id"])
    op.create_index("ix_personal_notices_person_id_read_at", "personal_notices", ["person_id", "read_at"])
    op.create_index(op.f("ix_personal_notices_mail_id"), "personal_notices", ["mail_id"])
    op.create_index(op.f("ix_personal_notices_sent_in_id"), "personal_notices", ["sent_in_id"])
    op.create_index(op.f("ix_personal_notices_at"), "personal_notices", ["at"])
    op.create_table(
        "notice_choices",
        sa.Column("person_id", _ID, autoincrement=False, nullable=False),
        sa.Column("occasion", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notice_choices_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", "occasion", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_cursor",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("sequence", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_cursor")),
    )
    op.create_table(
        "date_reminders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("assignment_id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_date_reminders_assignment_id_assignments")
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_date_reminders_mail_id_mails")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_reminders")),
        sa.UniqueConstraint(
            "assignment_id", "due_on", "step", name=op.f("uq_date_reminders_assignment_id_due_on_step")
        ),
    )
    op.create_index(op.f("ix_date_reminders_mail_id"), "date_reminders", ["mail_id"])
    op.create_table(
        "mail_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("is_permanent", sa.Boolean(), nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_mail_reports_mail_id_mails")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_reports")),
    )
    op.create_index(op.f("ix_mail_reports_mail_id"), "mail_reports", ["mail_id"])
    op.create_index(op.f("ix_mail_reports_at"), "mail_reports", ["at"])
    op.create_table(
        "mail_loops",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("sent_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("seen_at", ged.db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_loops")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_loops_message_id")),
    )
    with op.batch_alter_table("mentions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reminder", sa.String(length=16), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("mentions", schema=None) as batch_op:
        batch_op.drop_column("reminder")
    for table in (
        "mail_loops",
        "mail_reports",
        "date_reminders",
        "notice_cursor",
        "notice_choices",
        "personal_notices",
        "notice_mails",
    ):
        op.drop_table(table)
