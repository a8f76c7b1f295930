"""files that people asked for and that a job makes

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
# An older program knows neither the kind of job nor the files, whose bytes its sweep would delete.
oldest_program = "0026"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "requested_files",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        sa.Column("span", sa.JSON(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("asked_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", _ID, nullable=True),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("expires_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_requested_files_person_id_people")),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_requested_files_register_id_registers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requested_files")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_requested_files_person_id"), "requested_files", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("requested_files")
