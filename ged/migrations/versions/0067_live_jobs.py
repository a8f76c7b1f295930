"""an index of the jobs that are not done, by kind: workers ask for the oldest of each, among all jobs of an archive

Revision ID: 0067
Revises: 0066
"""

from ged.migrations.tools import create_index, drop_index

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    create_index("jobs", "kind", "id", name="ix_jobs_live", where="state IN ('queued', 'running')")


def downgrade() -> None:
    drop_index("jobs", name="ix_jobs_live")
