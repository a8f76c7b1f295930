"""margin_notes: what hands wrote in the margins of pages, as regions and as people typed it, with its versions

Revision ID: 0095
Revises: 0094
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "margin_notes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("attachment_id", _ID, nullable=False),
        sa.Column("page_no", sa.Integer(), nullable=False),
        *(sa.Column(side, sa.Float(), nullable=False) for side in ("x", "y", "width", "height", "page_ratio")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_dismissed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("found_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_margin_notes_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_margin_notes")),
    )
    op.create_index("ix_margin_notes_attachment_id_page_no", "margin_notes", ["attachment_id", "page_no"])
    op.create_table(
        "margin_note_texts",
        sa.Column("note_id", _ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attachment_id", _ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_dismissed", sa.Boolean(), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["margin_notes.id"], name=op.f("fk_margin_note_texts_note_id_margin_notes")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_margin_note_texts_attachment_id_attachments")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_margin_note_texts_person_id_people")),
        sa.PrimaryKeyConstraint("note_id", "version", name=op.f("pk_margin_note_texts")),
    )
    op.create_index(op.f("ix_margin_note_texts_attachment_id"), "margin_note_texts", ["attachment_id"])


def downgrade() -> None:
    op.drop_table("margin_note_texts")
    op.drop_table("margin_notes")
