"""proof

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signature_checks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attachment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("reports", sa.JSON(), nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("checked_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_signature_checks_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_checks")),
        sa.UniqueConstraint("attachment_id", "digest", name=op.f("uq_signature_checks_attachment_id_digest")),
    )
    with op.batch_alter_table("signature_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signature_checks_attachment_id"), ["attachment_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("signature_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signature_checks_attachment_id"))
    op.drop_table("signature_checks")
