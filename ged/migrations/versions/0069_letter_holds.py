"""letters that a head keeps off slips of disposal; the text of a letter that was written here may be emptied by a disposal

Revision ID: 0069
Revises: 0068
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "letter_holds",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("held_by_id", _ID, nullable=False),
        sa.Column("held_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("lifted_by_id", _ID, nullable=True),
        sa.Column("lifted_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_letter_holds_mail_id_mails")),
        sa.ForeignKeyConstraint(["held_by_id"], ["people.id"], name=op.f("fk_letter_holds_held_by_id_people")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["people.id"], name=op.f("fk_letter_holds_lifted_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_holds")),
    )
    op.create_index(op.f("ix_letter_holds_mail_id"), "letter_holds", ["mail_id"])
    op.create_index(
        "uq_letter_holds_open", "letter_holds", ["mail_id"], unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"), postgresql_where=sa.text("lifted_at IS NULL"),
    )  # fmt: skip
    hold(
        Held(
            "draft_versions",
            columns=(
                "mail_id", "version_no", "civility", "subject", "word_id", "amount_xof", "written_by_id", "written_at",
            ),
            json_columns=("addressees", "copies", "word_left", "annexes", "annex_titles"),
            emptied=("body", "rich"),
        )
    )  # fmt: skip


def downgrade() -> None:
    hold(Held("draft_versions"))
    op.drop_table("letter_holds")
