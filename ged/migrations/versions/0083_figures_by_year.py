"""the cells of years: what stands at a day's end is no longer the sum of all months

Revision ID: 0083
Revises: 0082
"""

import sqlalchemy as sa
from alembic import op

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

COUNTED = (
    "received", "numbered", "imputed", "assigned", "answered", "closed", "returned", "voided", "signed", "dispatched", "opened",
    "ended", "fell_due", "relieved",
)  # fmt: skip


def upgrade() -> None:
    """Add up the months that there are. While the figures are being made anew, they are those of the letters until there."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    year = "date(day, 'start of year')" if is_sqlite else "CAST(date_trunc('year', day) AS date)"
    names = ", ".join(COUNTED)
    sums = ", ".join(f"SUM({name})" for name in COUNTED)
    op.execute("DELETE FROM figure_cells WHERE grain = 'year'")
    op.execute(
        sa.text(
            f"INSERT INTO figure_cells (grain, day, key_id, {names}) SELECT 'year', {year}, key_id, {sums} "  # noqa: S608
            f"FROM figure_cells WHERE grain = 'month' GROUP BY {year}, key_id"
        )
    )


def downgrade() -> None:
    op.execute("DELETE FROM figure_cells WHERE grain = 'year'")
