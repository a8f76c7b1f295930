"""entities that were taken in from another installation, and the entries of its journal

Revision ID: 0057
Revises: 0056
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged import held
from ged.migrations.tools import hold, let_go

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "taken_entities",
        sa.Column("id", _ID, nullable=False),
        sa.Column("unit_id", _ID, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("key_pem", sa.Text(), nullable=False),
        sa.Column("offsets", sa.JSON(), nullable=False),
        sa.Column("proof_sha256", sa.String(length=64), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_taken_entities_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taken_entities")),
        sa.UniqueConstraint("manifest_sha256", name=op.f("uq_taken_entities_manifest_sha256")),
    )
    op.create_index(op.f("ix_taken_entities_unit_id"), "taken_entities", ["unit_id"])
    op.create_table(
        "taken_entries",
        sa.Column("entity_id", _ID, nullable=False),
        sa.Column("sequence", _ID, nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("acting_for_post_id", _ID, nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", _ID, nullable=True),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["taken_entities.id"], name=op.f("fk_taken_entries_entity_id_taken_entities")
        ),
        sa.PrimaryKeyConstraint("entity_id", "sequence", name=op.f("pk_taken_entries")),
    )
    op.create_index(op.f("ix_taken_entries_subject"), "taken_entries", ["subject_kind", "subject_id"])
    hold(held.Held("taken_entities"))
    hold(held.Held("taken_entries"))


def downgrade() -> None:
    let_go("taken_entries")
    let_go("taken_entities")
    op.drop_table("taken_entries")
    op.drop_table("taken_entities")
