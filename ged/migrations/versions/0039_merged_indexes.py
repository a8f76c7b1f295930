"""the doubles of a correspondent and its departures by an index, made while people work

Revision ID: 0039
Revises: 0038
"""

from ged.migrations.tools import create_index, drop_index

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None
oldest_program = "0031"


def upgrade() -> None:
    create_index("correspondents", "merged_into_id")
    create_index("dispatch_lines", "correspondent_id")


def downgrade() -> None:
    drop_index("dispatch_lines", "correspondent_id")
    drop_index("correspondents", "merged_into_id")
