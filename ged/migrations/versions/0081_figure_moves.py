"""figures of the ways of letters between units, and of letters that go round

The next comparison of each night counts the ways of the letters that are there already.

Revision ID: 0081
Revises: 0079
"""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0079"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNITS = ("from_unit_id", "to_unit_id")


def upgrade() -> None:
    op.create_table(
        "figure_moves",
        *(sa.Column(name, _ID, autoincrement=False, nullable=False) for name in ("mail_id", *UNITS)),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", *UNITS, name=op.f("pk_figure_moves")),
    )
    op.create_index("ix_figure_moves_units", "figure_moves", [*UNITS, "day", "mail_id"])
    op.create_table(
        "figure_rounds",
        sa.Column("mail_id", _ID, autoincrement=False, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_figure_rounds")),
    )
    op.create_index("ix_figure_rounds_last_on", "figure_rounds", ["last_on", "mail_id"])
    op.create_table(
        "figure_flows",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        *(sa.Column(name, _ID, autoincrement=False, nullable=False) for name in UNITS),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["figure_keys.id"], name=op.f("fk_figure_flows_key_id_figure_keys")),
        sa.PrimaryKeyConstraint("grain", "day", "key_id", *UNITS, name=op.f("pk_figure_flows")),
    )
    op.create_index("ix_figure_flows_key_id", "figure_flows", ["key_id", "grain", "day"])


def downgrade() -> None:
    for table in ("figure_flows", "figure_rounds", "figure_moves"):
        op.drop_table(table)
