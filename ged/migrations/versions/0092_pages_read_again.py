"""pages_read_again: the first reading of a page that was read a second time, and the words that only one reader read

Revision ID: 0092
Revises: 0090
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0092"
down_revision = "0090"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pages_read_again",
        sa.Column("attachment_id", _ID, nullable=False),
        sa.Column("page_no", sa.Integer(), nullable=False),
        sa.Column("first_text", sa.Text(), nullable=False),
        sa.Column("first_words", sa.JSON(), nullable=False),
        sa.Column("others", sa.Text(), nullable=False),
        sa.Column("read_by", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(length=64), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_pages_read_again_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("attachment_id", "page_no", name=op.f("pk_pages_read_again")),
    )


def downgrade() -> None:
    op.drop_table("pages_read_again")
