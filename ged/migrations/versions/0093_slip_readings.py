"""slip_readings: what the boxes of a slip signed on paper say, as the machine read them

Revision ID: 0093
Revises: 0092
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "slip_readings",
        sa.Column("scan_id", _ID, autoincrement=False, nullable=False),
        sa.Column("slip_id", _ID, nullable=False),
        sa.Column("pages", sa.JSON(), nullable=False),
        sa.Column("unclear", sa.JSON(), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_slip_readings_scan_id_scans")),
        sa.ForeignKeyConstraint(["slip_id"], ["slips.id"], name=op.f("fk_slip_readings_slip_id_slips")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_slip_readings")),
    )
    op.create_index(op.f("ix_slip_readings_slip_id"), "slip_readings", ["slip_id"])


def downgrade() -> None:
    op.drop_table("slip_readings")
