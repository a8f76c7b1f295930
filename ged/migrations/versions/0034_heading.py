"""the heads above a post see the letters that are assigned to the post

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
oldest_program = "0031"

_GIVEN = """
FROM assignments AS a WHERE a.post_id IS NOT NULL AND a.state IN ('open', 'taken', 'done')
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(
        sa.text(
            "INSERT INTO mail_access (mail_id, principal, because, granted_at) "
            "SELECT a.mail_id, 'c' || a.unit_id, CASE WHEN a.parent_id IS NULL THEN 'imputed' ELSE 'assigned' END, "
            f"min(a.assigned_at) {_GIVEN} GROUP BY 1, 2, 3"
        )
    )
    # The index contains the rights too: a job for each letter, as for any change of rights.
    connection.execute(
        sa.text(
            "INSERT INTO jobs (kind, subject_id, reason, params, state, attempts, run_after, worker, error_code, "
            "error_detail, progress, created_at) "
            "SELECT 'index', a.mail_id, '', '{}', 'queued', 0, max(a.assigned_at), '', '', '', '', max(a.assigned_at) "
            f"{_GIVEN} GROUP BY a.mail_id"
        )
    )


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM mail_access WHERE principal LIKE 'c%'"))
