"""letters written in Word: the file of each version, and the pages that a job makes from it

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("draft_versions", sa.Column("word_id", _ID, nullable=True))
    op.add_column("draft_versions", sa.Column("word_left", sa.JSON(), server_default="[]", nullable=False))
    op.create_table(
        "word_pages",
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("pdf", sa.String(length=64), nullable=False),
        sa.Column("sizes", sa.JSON(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("failure", sa.String(length=64), nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["drafts.mail_id"], name=op.f("fk_word_pages_mail_id_drafts")),
        sa.PrimaryKeyConstraint("mail_id", "key", name=op.f("pk_word_pages")),
    )


def downgrade() -> None:
    op.drop_table("word_pages")
    op.drop_column("draft_versions", "word_left")
    op.drop_column("draft_versions", "word_id")
