"""the tables say which programs may run on them

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
oldest_program = "0024"


def upgrade() -> None:
    op.create_table(
        "schema_tolerance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("oldest_program", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_tolerance")),
    )


def downgrade() -> None:
    op.drop_table("schema_tolerance")
