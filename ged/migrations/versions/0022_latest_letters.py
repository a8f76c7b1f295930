"""an index for the latest letter of a unit: the form proposes its authority

Revision ID: 0022
Revises: 0021
"""

from ged.migrations.tools import create_index, drop_index

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("mails", "unit_id", "direction", "id")


def downgrade() -> None:
    drop_index("mails", "unit_id", "direction", "id")
