"""the first pages of monthly reports, as ministries write them, in versions

Revision ID: 0086
Revises: 0085
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "report_templates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("added_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("added_by_id", _ID, nullable=False),
        sa.Column("withdrawn_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("entity_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["added_by_id"], ["people.id"], name=op.f("fk_report_templates_added_by_id_people")),
        sa.ForeignKeyConstraint(["entity_id"], ["units.id"], name=op.f("fk_report_templates_entity_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_templates")),
        sa.UniqueConstraint("entity_id", "version_no", name=op.f("uq_report_templates_entity_id_version_no")),
    )
    op.create_index(op.f("ix_report_templates_entity_id"), "report_templates", ["entity_id"])
    op.create_index(
        "uq_report_templates_common", "report_templates", ["version_no"], unique=True,
        sqlite_where=sa.text("entity_id IS NULL"), postgresql_where=sa.text("entity_id IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("report_templates")
