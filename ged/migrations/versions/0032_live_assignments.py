"""indexes for the open assignments of a unit and of their author: the follow-up finds them among all past ones

Revision ID: 0032
Revises: 0031
"""

from ged.migrations.tools import create_index, drop_index

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
oldest_program = "0031"


def upgrade() -> None:
    create_index("assignments", "unit_id", "state")
    create_index("assignments", "assigned_by_post_id", "state")
    drop_index("assignments", "unit_id")
    drop_index("assignments", "assigned_by_post_id")


def downgrade() -> None:
    create_index("assignments", "unit_id")
    create_index("assignments", "assigned_by_post_id")
    drop_index("assignments", "unit_id", "state")
    drop_index("assignments", "assigned_by_post_id", "state")
