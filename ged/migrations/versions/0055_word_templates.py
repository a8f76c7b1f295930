"""Word templates that administrators upload, in versions

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "word_templates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("size_bytes", _ID, nullable=False),
        sa.Column("added_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("added_by_id", _ID, nullable=False),
        sa.Column("withdrawn_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("entity_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["added_by_id"], ["people.id"], name=op.f("fk_word_templates_added_by_id_people")),
        sa.ForeignKeyConstraint(["entity_id"], ["units.id"], name=op.f("fk_word_templates_entity_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word_templates")),
        sa.UniqueConstraint(
            "entity_id", "name", "version_no", name=op.f("uq_word_templates_entity_id_name_version_no")
        ),
    )
    op.create_index(op.f("ix_word_templates_entity_id"), "word_templates", ["entity_id"])
    op.create_index(
        "uq_word_templates_common", "word_templates", ["name", "version_no"], unique=True,
        sqlite_where=sa.text("entity_id IS NULL"), postgresql_where=sa.text("entity_id IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("word_templates")
