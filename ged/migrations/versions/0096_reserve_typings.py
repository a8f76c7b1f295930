"""reserve_typings: lines of reserve books that were typed at a desk without the server, until a clerk enters them

Revision ID: 0096
Revises: 0095
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = sa.text("entered_at IS NULL AND dropped_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "reserve_typings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("bridge_id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("came_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("entered_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("dropped_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["bridge_id"], ["bridges.id"], name=op.f("fk_reserve_typings_bridge_id_bridges")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["reserve_lines.id"], name=op.f("fk_reserve_typings_line_id_reserve_lines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_typings")),
        sa.UniqueConstraint("key", name=op.f("uq_reserve_typings_key")),
    )
    op.create_index(
        "ix_reserve_typings_waiting", "reserve_typings", ["line_id"], unique=True,
        sqlite_where=_WAITS, postgresql_where=_WAITS,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("reserve_typings")
