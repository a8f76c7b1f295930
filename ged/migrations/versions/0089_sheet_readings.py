"""sheet_readings: what the boxes of a scanned fiche de transmission say, as the machine read them

Revision ID: 0089
Revises: 0088
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sheet_readings",
        sa.Column("scan_id", _ID, autoincrement=False, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("scan_page_id", _ID, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_sheet_readings_scan_id_scans")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_sheet_readings_mail_id_mails")),
        sa.ForeignKeyConstraint(
            ["scan_page_id"], ["scan_pages.id"], name=op.f("fk_sheet_readings_scan_page_id_scan_pages")
        ),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_sheet_readings")),
    )
    op.create_index(op.f("ix_sheet_readings_mail_id"), "sheet_readings", ["mail_id"])


def downgrade() -> None:
    op.drop_table("sheet_readings")
