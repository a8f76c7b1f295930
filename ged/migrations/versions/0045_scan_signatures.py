"""verdicts on the signatures of a waiting scan

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0045"
down_revision = "0044"
phase = "expand"
branch_labels = None
depends_on = None
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scan_signature_checks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scan_id", _ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("reports", sa.JSON(), nullable=False),
        sa.Column("checked_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_scan_signature_checks_scan_id_scans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_signature_checks")),
        sa.UniqueConstraint("scan_id", "sha256", name=op.f("uq_scan_signature_checks_scan_id_sha256")),
    )
    with op.batch_alter_table("scan_signature_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scan_signature_checks_scan_id"), ["scan_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("scan_signature_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scan_signature_checks_scan_id"))
    op.drop_table("scan_signature_checks")
