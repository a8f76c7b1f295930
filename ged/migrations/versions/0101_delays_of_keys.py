"""index of delays by month, of each key

Revision ID: 0101
Revises: 0100
"""

from ged.migrations.tools import create_index, drop_index

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

NAME, COLUMNS = "ix_figure_delays_months_of_keys", ("stage", "day", "key_id", "at_least", "letters")


def upgrade() -> None:
    create_index("figure_delays", *COLUMNS, name=NAME, where="grain = 'month'")


def downgrade() -> None:
    drop_index("figure_delays", name=NAME)
