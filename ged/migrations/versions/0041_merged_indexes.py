"""indexes for the duplicates and the departures of a correspondent, made while people work

Revision ID: 0041
Revises: 0040
"""

from ged.migrations.tools import create_index, drop_index

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None
oldest_program = "0040"


def upgrade() -> None:
    create_index("correspondents", "merged_into_id")
    create_index("dispatch_lines", "correspondent_id")


def downgrade() -> None:
    drop_index("dispatch_lines", "correspondent_id")
    drop_index("correspondents", "merged_into_id")
