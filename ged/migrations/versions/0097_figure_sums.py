"""figures added up over registers, natures, channels and priorities

The cells themselves are made by the first nightly comparison after the upgrade: the release before neither keeps them up nor
leaves them out of its sums.

Revision ID: 0097
Revises: 0096
"""

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("figure_keys", sa.Column("sum_id", _ID, nullable=True))
    op.add_column(
        "figure_state", sa.Column("sums_whole", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.execute("DELETE FROM figure_keys WHERE register_id = 0")  # their cells went with 0191, which opens them
    op.drop_column("figure_state", "sums_whole")
    op.drop_column("figure_keys", "sum_id")
