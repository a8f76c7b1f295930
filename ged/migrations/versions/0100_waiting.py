"""indexes of the assignments that wait, of a post and of a unit; of delays by month

Revision ID: 0100
Revises: 0099
"""

from alembic import op

from ged.migrations.tools import create_index, drop_index

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

POSTS, UNITS = "ix_assignments_post_id_under_way", "ix_assignments_unit_id_under_way"
MONTHS, OF_MONTHS = "ix_figure_delays_months", ("stage", "day", "key_id", "at_least", "letters")


def upgrade() -> None:
    # As SQLAlchemy writes the condition: SQLite compares the texts of conditions.
    is_under_way = "is_under_way = 1" if op.get_context().dialect.name == "sqlite" else "is_under_way"
    create_index("assignments", "post_id", name=POSTS, where=is_under_way)
    create_index("assignments", "unit_id", name=UNITS, where=is_under_way)
    create_index("figure_delays", *OF_MONTHS, name=MONTHS, where="grain = 'sum_month'")


def downgrade() -> None:
    drop_index("figure_delays", name=MONTHS)
    drop_index("assignments", name=UNITS)
    drop_index("assignments", name=POSTS)
