"""holds: closings under the institution's seal

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "closing_revisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("closing_id", _ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["register_closings.id"], name=op.f("fk_closing_revisions_closing_id_register_closings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing_revisions")),
        sa.UniqueConstraint("closing_id", "sequence", name=op.f("uq_closing_revisions_closing_id_sequence")),
    )
    with op.batch_alter_table("closing_revisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closing_revisions_digest"), ["digest"], unique=False)
    with op.batch_alter_table("preservations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closing_id", _ID, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_preservations_closing_id_register_closings"), "register_closings", ["closing_id"], ["id"]
        )
        batch_op.create_unique_constraint(batch_op.f("uq_preservations_closing_id"), ["closing_id"])


def downgrade() -> None:
    op.execute("DELETE FROM preservations WHERE closing_id IS NOT NULL")
    with op.batch_alter_table("preservations", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_preservations_closing_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_preservations_closing_id_register_closings"), type_="foreignkey")
        batch_op.drop_column("closing_id")
    with op.batch_alter_table("closing_revisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_closing_revisions_digest"))
    op.drop_table("closing_revisions")
