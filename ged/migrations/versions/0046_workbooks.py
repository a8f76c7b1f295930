"""workbooks of a roll-out, each with the data that undo it

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0046"
down_revision = "0045"
phase = "expand"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "workbook_imports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("inverse", sa.JSON(), nullable=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("handed_in_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("taken_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("undone_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_workbook_imports_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workbook_imports")),
    )
    op.create_index(op.f("ix_workbook_imports_person_id"), "workbook_imports", ["person_id"])


def downgrade() -> None:
    op.drop_table("workbook_imports")
