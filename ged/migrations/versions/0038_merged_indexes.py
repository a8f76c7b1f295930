"""the doubles of a correspondent and its departures by an index, made while people work

Revision ID: 0038
Revises: 0037
"""

from ged.migrations.tools import create_index, drop_index

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None
oldest_program = "0031"


def upgrade() -> None:
    create_index("correspondents", "merged_into_id")
    create_index("dispatch_lines", "correspondent_id")


def downgrade() -> None:
    drop_index("dispatch_lines", "correspondent_id")
    drop_index("correspondents", "merged_into_id")
