"""the formatted text of a letter, beside its plain text

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None
oldest_program = "0038"  # an older program would sign the text without its format


def upgrade() -> None:
    # Without a batch: the table is protected by triggers, which a new table would not have.
    op.add_column("draft_versions", sa.Column("rich", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("draft_versions", "rich")
