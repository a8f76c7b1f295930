"""indexes of lists that grow with the archive: what is done of a post or unit, and the signatures that are kept provable

Revision ID: 0053
Revises: 0052
"""

from ged.migrations.tools import create_index, drop_index

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

ENDED_AT = "coalesce(finished_at, assigned_at)"
DUE = {
    "failing": "failure <> ''",
    "rising": "failure = '' AND level <> 'B-LTA'",
}


def upgrade() -> None:
    create_index("assignments", "post_id", ENDED_AT, "id", name="ix_assignments_post_id_ended")
    create_index("assignments", "unit_id", ENDED_AT, "id", name="ix_assignments_unit_id_ended", where="post_id IS NULL")
    create_index("preservations", "level", "due_at", "id", name="ix_preservations_level_due_at")
    for name, condition in DUE.items():
        create_index("preservations", "due_at", "id", name=f"ix_preservations_{name}", where=condition)


def downgrade() -> None:
    for name in DUE:
        drop_index("preservations", name=f"ix_preservations_{name}")
    drop_index("preservations", name="ix_preservations_level_due_at")
    drop_index("assignments", name="ix_assignments_unit_id_ended")
    drop_index("assignments", name="ix_assignments_post_id_ended")
