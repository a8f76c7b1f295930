"""an index of the assignments that a unit finished: its load is counted by the days of a period

Revision ID: 0106
Revises: 0105
"""

from ged.migrations.tools import create_index, drop_index

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

NAME = "ix_assignments_unit_id_finished"


def upgrade() -> None:
    create_index("assignments", "unit_id", "finished_at", name=NAME, where="finished_at IS NOT NULL")


def downgrade() -> None:
    drop_index("assignments", name=NAME)
