"""the clerk who is working on a waiting scan

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
oldest_program = "0026"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scan_turns",
        sa.Column("scan_id", _ID, autoincrement=False, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("until", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_scan_turns_scan_id_scans")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_scan_turns_person_id_people")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_scan_turns")),
    )
    op.create_index(op.f("ix_scan_turns_person_id"), "scan_turns", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("scan_turns")
