"""sign-in: sessions as rows, counters that slow down attempts, passwords that an administrator gave

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("opened_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("seen_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("proved_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sessions_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_person_id"), "sessions", ["person_id"])
    op.create_table(
        "throttle_buckets",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("drained_ms", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttle_buckets")),
        sa.UniqueConstraint("subject", name=op.f("uq_throttle_buckets_subject")),
    )
    op.create_index(op.f("ix_throttle_buckets_drained_ms"), "throttle_buckets", ["drained_ms"])
    op.add_column("people", sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("signing_keys", sa.Column("tried_at", ged.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.drop_column("tried_at")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("must_change_password")
    op.drop_table("throttle_buckets")
    op.drop_table("sessions")
