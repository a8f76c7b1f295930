"""reserve_sheets: what the cells and boxes of a scanned page of a reserve book say, as the machine read them

Revision ID: 0094
Revises: 0093
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reserve_sheets",
        sa.Column("scan_id", _ID, autoincrement=False, nullable=False),
        sa.Column("scan_page_id", _ID, nullable=False),
        sa.Column("book_id", _ID, nullable=False),
        sa.Column("first_line", sa.Integer(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("kept_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("kept_by_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_reserve_sheets_scan_id_scans")),
        sa.ForeignKeyConstraint(
            ["scan_page_id"], ["scan_pages.id"], name=op.f("fk_reserve_sheets_scan_page_id_scan_pages")
        ),
        sa.ForeignKeyConstraint(
            ["book_id"], ["reserve_books.id"], name=op.f("fk_reserve_sheets_book_id_reserve_books")
        ),
        sa.ForeignKeyConstraint(["kept_by_id"], ["people.id"], name=op.f("fk_reserve_sheets_kept_by_id_people")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_reserve_sheets")),
    )
    op.create_index(op.f("ix_reserve_sheets_book_id"), "reserve_sheets", ["book_id"])


def downgrade() -> None:
    op.drop_table("reserve_sheets")
