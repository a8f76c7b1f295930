"""the text of a letter with its forms, beside the text alone

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
oldest_program = "0037"  # an older program would sign the text without its forms


def upgrade() -> None:
    # Without a batch: the table is held, and making it anew would drop its triggers.
    op.add_column("draft_versions", sa.Column("rich", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("draft_versions", "rich")
