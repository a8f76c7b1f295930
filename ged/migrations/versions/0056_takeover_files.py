"""registers kept as spreadsheets, handed in to be taken over

Revision ID: 0056
Revises: 0055
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "takeover_files",
        sa.Column("id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sheet", sa.String(length=200), nullable=False),
        sa.Column("head_row", sa.Integer(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("handed_in_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("asked_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("done_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_takeover_files_person_id_people")),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_takeover_files_register_id_registers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeover_files")),
    )
    op.create_index(op.f("ix_takeover_files_person_id"), "takeover_files", ["person_id"])
    op.create_index(op.f("ix_takeover_files_register_id"), "takeover_files", ["register_id"])


def downgrade() -> None:
    op.drop_table("takeover_files")
