"""how many letters open data leaves out is written no more: no page tells it, and it is exact; a contraction drops the column

Revision ID: 0087
Revises: 0086
"""

from alembic import op

from ged.held import Held
from ged.migrations.tools import hold

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    with op.batch_alter_table("open_data_acts") as table:
        table.alter_column("left_out", server_default="0")
    hold(Held("open_data_acts"))


def downgrade() -> None:
    with op.batch_alter_table("open_data_acts") as table:
        table.alter_column("left_out", server_default=None)
    hold(Held("open_data_acts"))
