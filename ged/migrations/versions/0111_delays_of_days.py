"""indexes of the delays of days by their stage, from the cells of sums and from those of all natures

Revision ID: 0111
Revises: 0110
"""

from ged.migrations.tools import create_index, drop_index

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

COLUMNS = ("stage", "day", "key_id", "at_least", "letters")
INDEXES = {"ix_figure_delays_days": "sum_day", "ix_figure_delays_days_of_natures": "natures_day"}


def upgrade() -> None:
    for name, grain in INDEXES.items():
        create_index("figure_delays", *COLUMNS, name=name, where=f"grain = '{grain}'")


def downgrade() -> None:
    for name in INDEXES:
        drop_index("figure_delays", name=name)
