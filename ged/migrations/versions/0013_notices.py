"""notices of acts of others; a lower level of a secret letter is requested by one person and confirmed by another

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", _ID, nullable=False),
        sa.Column("by_person_id", _ID, nullable=True),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("read_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notices_person_id_people")),
        sa.ForeignKeyConstraint(["by_person_id"], ["people.id"], name=op.f("fk_notices_by_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_person_read", "notices", ["person_id", "read_at"], unique=False)
    op.create_table(
        "level_requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_by_id", _ID, nullable=False),
        sa.Column("asked_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("ended_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_level_requests_mail_id_mails")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["people.id"], name=op.f("fk_level_requests_asked_by_id_people")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["people.id"], name=op.f("fk_level_requests_ended_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_level_requests")),
    )
    op.create_index(op.f("ix_level_requests_mail_id"), "level_requests", ["mail_id"], unique=False)
    op.create_index(
        "uq_level_requests_open",
        "level_requests",
        ["mail_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "refusal_counts",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("hour", ged.db.UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "hour", name=op.f("pk_refusal_counts")),
    )
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("granted_at", ged.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.drop_column("granted_at")
    op.drop_table("refusal_counts")
    op.drop_table("level_requests")
    op.drop_table("notices")
