"""figures of slips: what each unit sent and acknowledged, and how long it took

When the upgrade has ended, the next run of the figures counts all days that there are, some in each transaction; until then no page shows
them.

Revision ID: 0102
Revises: 0101
"""

import sqlalchemy as sa
from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("figure_state", sa.Column("slips_whole", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "figure_slips",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("side", sa.String(length=32), nullable=False),
        sa.Column("unit_id", _ID, autoincrement=False, nullable=False),
        sa.Column("at_least", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slips", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grain", "day", "side", "unit_id", "at_least", name=op.f("pk_figure_slips")),
    )
    columns = ["unit_id", "grain", "day", "side", "at_least", "slips"]
    op.create_index("ix_figure_slips_of_units", "figure_slips", columns)
    op.create_table(
        "figure_slip_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_figure_slip_days")),
    )


def downgrade() -> None:
    for table in ("figure_slip_days", "figure_slips"):
        op.drop_table(table)
    with op.batch_alter_table("figure_state") as batch:
        batch.drop_column("slips_whole")
