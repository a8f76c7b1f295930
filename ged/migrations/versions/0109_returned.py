"""an index of the assignments of letters under way by who gave them: what came back stands on everybody's first page

Revision ID: 0109
Revises: 0108
"""

from alembic import op

from ged.migrations.tools import create_index, drop_index

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

NAME = "ix_assignments_assigned_by_post_id_under_way"


def upgrade() -> None:
    is_under_way = "is_under_way = 1" if op.get_context().dialect.name == "sqlite" else "is_under_way"
    create_index("assignments", "assigned_by_post_id", "state", name=NAME, where=is_under_way)


def downgrade() -> None:
    drop_index("assignments", name=NAME)
