"""figures of the hours of the week at which letters are registered

The next comparison of each night counts the letters that are there already.

Revision ID: 0090
Revises: 0089
"""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("figure_letters", sa.Column("numbered_hour", sa.Integer(), nullable=True))
    op.create_table(
        "figure_hours",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["figure_keys.id"], name=op.f("fk_figure_hours_key_id_figure_keys")),
        sa.PrimaryKeyConstraint("grain", "day", "key_id", "hour", name=op.f("pk_figure_hours")),
    )
    op.create_index("ix_figure_hours_key_id", "figure_hours", ["key_id", "grain", "day"])


def downgrade() -> None:
    op.drop_table("figure_hours")
    op.drop_column("figure_letters", "numbered_hour")
