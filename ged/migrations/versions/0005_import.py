"""import

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "takeover_batches",
        sa.Column("id", _id(), nullable=False),
        sa.Column("register_id", _id(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("first_line", sa.Integer(), nullable=False),
        sa.Column("last_line", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("taken_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_takeover_batches_register_id_registers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeover_batches")),
    )
    with op.batch_alter_table("takeover_batches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_takeover_batches_register_id"), ["register_id"], unique=False)

    op.create_table(
        "taken_letters",
        sa.Column("mail_id", _id(), autoincrement=False, nullable=False),
        sa.Column("register_id", _id(), nullable=False),
        sa.Column("own_id", sa.String(length=200), nullable=False),
        sa.Column("batch_id", _id(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["takeover_batches.id"], name=op.f("fk_taken_letters_batch_id_takeover_batches")
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_taken_letters_mail_id_mails")),
        sa.ForeignKeyConstraint(["register_id"], ["registers.id"], name=op.f("fk_taken_letters_register_id_registers")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_taken_letters")),
        sa.UniqueConstraint("register_id", "own_id", name=op.f("uq_taken_letters_register_id_own_id")),
    )
    with op.batch_alter_table("taken_letters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taken_letters_batch_id"), ["batch_id"], unique=False)


def downgrade() -> None:
    op.drop_table("taken_letters")
    op.drop_table("takeover_batches")
