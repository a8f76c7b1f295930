"""figures added up over natures, and over units; and how far sums are made

The cells themselves are made with the other sums, by the first nightly comparison after the upgrade.

Revision ID: 0108
Revises: 0107
"""

import sqlalchemy as sa
from alembic import op

from ged.migrations.tools import create_index, drop_index

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = {"ix_figure_delays_months_of_natures": "natures_month", "ix_figure_delays_months_of_all": "all_month"}
COLUMNS = ("stage", "day", "key_id", "at_least", "letters")


def upgrade() -> None:
    for name in ("natures_id", "all_id"):
        op.add_column("figure_keys", sa.Column(name, _ID, nullable=True))
    op.add_column("figure_state", sa.Column("sums_upto", sa.Date(), nullable=True))
    for name, grain in INDEXES.items():
        create_index("figure_delays", *COLUMNS, name=name, where=f"grain = '{grain}'")


def downgrade() -> None:
    for name in INDEXES:
        drop_index("figure_delays", name=name)
    # The downgrade of 0191 comes before, and has removed the cells of these keys.
    op.execute("DELETE FROM figure_keys WHERE register_id < 0 OR unit_id = 0")
    op.drop_column("figure_state", "sums_upto")
    for name in ("natures_id", "all_id"):
        op.drop_column("figure_keys", name)
