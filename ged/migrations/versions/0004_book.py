"""book: closings of registers

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "register_closings",
        sa.Column("id", ID, nullable=False),
        sa.Column("register_id", ID, nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("previous_digest", sa.String(length=64), nullable=True),
        sa.Column("seal", sa.String(length=128), nullable=False),
        sa.Column("number_count", sa.Integer(), nullable=False),
        sa.Column("void_count", sa.Integer(), nullable=False),
        sa.Column("rectification_count", sa.Integer(), nullable=False),
        sa.Column("closed_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("closed_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["closed_by_id"], ["people.id"], name=op.f("fk_register_closings_closed_by_id_people")),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_register_closings_register_id_registers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_closings")),
        sa.UniqueConstraint(
            "register_id", "period", "sequence", name=op.f("uq_register_closings_register_id_period_sequence")
        ),
    )
    with op.batch_alter_table("register_closings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_register_closings_digest"), ["digest"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("register_closings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_register_closings_digest"))
    op.drop_table("register_closings")
