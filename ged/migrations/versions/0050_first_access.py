"""codes of first access

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "first_accesses",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by_id", _ID, nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["people.id"], name=op.f("fk_first_accesses_made_by_id_people")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_first_accesses_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_accesses")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_first_accesses_code_hash")),
        sa.UniqueConstraint("person_id", name=op.f("uq_first_accesses_person_id")),
    )


def downgrade() -> None:
    op.drop_table("first_accesses")
