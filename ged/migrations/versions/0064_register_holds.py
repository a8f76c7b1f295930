"""registers that give no number after a restore, until the last number on paper is said

Revision ID: 0064
Revises: 0063
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.migrations.tools import stop_waiting, wait_for_paper

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = ged.db.UtcDateTime()


def upgrade() -> None:
    op.create_table(
        "register_holds",
        sa.Column("id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("copied_at", _TIME, nullable=False),
        sa.Column("restored_at", _TIME, nullable=False),
        sa.Column("last_number_id", _ID, nullable=True),
        sa.Column("released_at", _TIME, nullable=True),
        sa.Column("released_by_id", _ID, nullable=True),
        sa.Column("from_sequence", sa.Integer(), nullable=True),
        sa.Column("told_sequence", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_register_holds_register_id_registers")
        ),
        sa.ForeignKeyConstraint(
            ["released_by_id"], ["people.id"], name=op.f("fk_register_holds_released_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_holds")),
    )
    op.create_index(
        "ux_register_holds_open", "register_holds", ["register_id", "year"], unique=True,
        sqlite_where=sa.text("released_at IS NULL"), postgresql_where=sa.text("released_at IS NULL"),
    )  # fmt: skip
    wait_for_paper()


def downgrade() -> None:
    stop_waiting()
    op.drop_table("register_holds")
