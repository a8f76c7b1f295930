"""what became of a code of first access: confirmed or refused by a second person, used

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("first_accesses") as table:
        table.add_column(sa.Column("is_alone", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("second_id", _ID, nullable=True))
        table.add_column(sa.Column("confirmed_at", ged.db.UtcDateTime(), nullable=True))
        table.add_column(sa.Column("refused_at", ged.db.UtcDateTime(), nullable=True))
        table.add_column(sa.Column("used_at", ged.db.UtcDateTime(), nullable=True))
        table.create_foreign_key(op.f("fk_first_accesses_second_id_people"), "people", ["second_id"], ["id"])


def downgrade() -> None:
    # An earlier program takes every code that is there for one that works.
    codes = sa.table("first_accesses")
    op.execute(sa.delete(codes))
    with op.batch_alter_table("first_accesses") as table:
        table.drop_constraint(op.f("fk_first_accesses_second_id_people"), type_="foreignkey")
        for name in ("used_at", "refused_at", "confirmed_at", "second_id", "is_alone"):
            table.drop_column(name)
