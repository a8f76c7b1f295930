"""indexes of the assignments of a unit with all that the loads and the morning's page ask of them: what waits, and what was finished

Revision ID: 0110
Revises: 0109
"""

from alembic import op

from ged.migrations.tools import create_index, drop_index

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

WAITING, NARROW = "ix_assignments_unit_id_waiting", "ix_assignments_unit_id_under_way"
FINISHED, BEFORE = "ix_assignments_unit_id_finished_all", "ix_assignments_unit_id_finished"
IS_FINISHED = "finished_at IS NOT NULL"


def upgrade() -> None:
    is_under_way = "is_under_way = 1" if op.get_context().dialect.name == "sqlite" else "is_under_way"
    of_waiting = (
        "unit_id", "mail_id", "post_id", "state", "due_on", "assigned_at", "assigned_by_post_id", "purpose", "is_under_way",
    )  # fmt: skip
    create_index("assignments", *of_waiting, name=WAITING, where=is_under_way)
    drop_index("assignments", name=NARROW)
    of_finished = ("unit_id", "finished_at", "mail_id", "post_id", "state", "assigned_at", "is_under_way")
    create_index("assignments", *of_finished, name=FINISHED, where=IS_FINISHED)
    drop_index("assignments", name=BEFORE)


def downgrade() -> None:
    is_under_way = "is_under_way = 1" if op.get_context().dialect.name == "sqlite" else "is_under_way"
    create_index("assignments", "unit_id", name=NARROW, where=is_under_way)
    create_index("assignments", "unit_id", "finished_at", name=BEFORE, where=IS_FINISHED)
    drop_index("assignments", name=FINISHED)
    drop_index("assignments", name=WAITING)
