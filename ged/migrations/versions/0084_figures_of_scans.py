"""figures of scanning stations: what each brought, and how well it was read

The next run of the figures counts all days that there are, some in each transaction; until its end no page shows them.

Revision ID: 0084
Revises: 0083
"""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
READ = ("was_read", "doubtful", "textless", "points")


def upgrade() -> None:
    op.add_column("figure_state", sa.Column("scans_whole", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "figure_scans",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, _ID, autoincrement=False, nullable=False) for name in ("unit_id", "bridge_id")),
        sa.Column("source", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("pages", "documents", "letters", *READ)),
        sa.PrimaryKeyConstraint("grain", "day", "unit_id", "bridge_id", "source", name=op.f("pk_figure_scans")),
    )
    op.create_index("ix_figure_scans_unit_id", "figure_scans", ["unit_id", "grain", "day"])
    op.create_table(
        "figure_readings",
        sa.Column("attachment_id", _ID, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in READ),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_figure_readings")),
    )
    op.create_table(
        "figure_scan_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_figure_scan_days")),
    )


def downgrade() -> None:
    for table in ("figure_scan_days", "figure_readings", "figure_scans"):
        op.drop_table(table)
    with op.batch_alter_table("figure_state") as batch:
        batch.drop_column("scans_whole")
