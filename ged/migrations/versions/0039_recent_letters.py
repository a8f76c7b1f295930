"""the letters that a person opened last

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None
oldest_program = "0038"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recent_letters",
        sa.Column("person_id", _ID, autoincrement=False, nullable=False),
        sa.Column("mail_id", _ID, autoincrement=False, nullable=False),
        sa.Column("opened_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_recent_letters_person_id_people")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_recent_letters_mail_id_mails")),
        sa.PrimaryKeyConstraint("person_id", "mail_id", name=op.f("pk_recent_letters")),
    )
    op.create_index("ix_recent_letters_person_id_opened_at", "recent_letters", ["person_id", "opened_at"])
    op.create_index(op.f("ix_recent_letters_mail_id"), "recent_letters", ["mail_id"])


def downgrade() -> None:
    op.drop_table("recent_letters")
