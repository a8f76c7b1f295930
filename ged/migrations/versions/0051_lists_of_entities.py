"""natures, mentions and templates of letters may be an entity's own

Revision ID: 0051
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LISTS = ("letter_templates", "mentions", "natures")


def upgrade() -> None:
    for name in LISTS:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("entity_id", _ID, nullable=True))
            table.create_foreign_key(op.f(f"fk_{name}_entity_id_units"), "units", ["entity_id"], ["id"])
            table.create_index(op.f(f"ix_{name}_entity_id"), ["entity_id"])


def downgrade() -> None:
    for name in LISTS:
        with op.batch_alter_table(name) as table:
            table.drop_index(op.f(f"ix_{name}_entity_id"))
            table.drop_constraint(op.f(f"fk_{name}_entity_id_units"), type_="foreignkey")
            table.drop_column("entity_id")
