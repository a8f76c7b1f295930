"""notes and questions on letters

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
oldest_program = "0031"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "letter_notes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("post_id", _ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("to_post_id", _ID, nullable=True),
        sa.Column("answer_to_id", _ID, nullable=True),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_letter_notes_mail_id_mails")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_letter_notes_person_id_people")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_letter_notes_post_id_posts")),
        sa.ForeignKeyConstraint(["to_post_id"], ["posts.id"], name=op.f("fk_letter_notes_to_post_id_posts")),
        sa.ForeignKeyConstraint(
            ["answer_to_id"], ["letter_notes.id"], name=op.f("fk_letter_notes_answer_to_id_letter_notes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_notes")),
        sa.UniqueConstraint("answer_to_id", name=op.f("uq_letter_notes_answer_to_id")),
    )
    op.create_index(op.f("ix_letter_notes_mail_id"), "letter_notes", ["mail_id"], unique=False)
    op.create_index(op.f("ix_letter_notes_to_post_id"), "letter_notes", ["to_post_id"], unique=False)
    hold(Held("letter_notes"))


def downgrade() -> None:
    op.drop_table("letter_notes")
