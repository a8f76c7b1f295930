"""text typed in a draft is stored before it is saved; attachments of a letter have titles

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

from ged.db import UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
oldest_program = "0031"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "working_copies",
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("base_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["drafts.mail_id"], name=op.f("fk_working_copies_mail_id_drafts")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_working_copies_person_id_people")),
        sa.PrimaryKeyConstraint("mail_id", "person_id", "base_version", name=op.f("pk_working_copies")),
    )
    # Without a batch: the table is protected by triggers, which a new table would not have.
    op.add_column("draft_versions", sa.Column("annex_titles", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("draft_versions", "annex_titles")
    op.drop_table("working_copies")
