"""a counter that has given no number may go back, so that a mistyped paper book is corrected; what natures propose besides

Revision ID: 0054
Revises: 0053
"""

import sqlalchemy as sa
from alembic import op

from ged.held import Held
from ged.migrations.tools import hold

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    with op.batch_alter_table("natures") as table:
        table.add_column(sa.Column("level", sa.Integer(), nullable=True))
        table.add_column(sa.Column("silence", sa.String(length=16), server_default="", nullable=False))
        table.add_column(sa.Column("retention_years", sa.Integer(), nullable=True))
        table.add_column(sa.Column("filing_code", sa.String(length=32), server_default="", nullable=False))
    hold(
        Held(
            "register_counters", columns=("register_id", "year"), kept=("last_on",), never_less=("last_sequence",),
            free="OLD.last_on IS NULL AND OLD.last_sequence = OLD.opening_sequence",
        )
    )  # fmt: skip


def downgrade() -> None:
    hold(Held("register_counters", columns=("register_id", "year"), never_less=("last_sequence",)))
    with op.batch_alter_table("natures") as table:
        for name in ("filing_code", "retention_years", "silence", "level"):
            table.drop_column(name)
