"""the unit in whose name a letter is held: who speaks for it lifts the hold, and nobody below

Revision ID: 0104
Revises: 0103
"""

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = "fk_letter_holds_held_unit_id_units"


def upgrade() -> None:
    with op.batch_alter_table("letter_holds") as table:
        table.add_column(sa.Column("held_unit_id", _ID, nullable=True))
        table.create_foreign_key(op.f(NAME), "units", ["held_unit_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("letter_holds") as table:
        table.drop_constraint(op.f(NAME), type_="foreignkey")
        table.drop_column("held_unit_id")
