"""monthly reports under the seal: one row each, its sealed revisions, and the list of signatures to keep provable

Revision ID: 0073
Revises: 0071
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0073"
down_revision = "0071"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "monthly_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("entity_id", _ID, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("sequence", _ID, nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("made_by_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["units.id"], name=op.f("fk_monthly_reports_entity_id_units")),
        sa.ForeignKeyConstraint(["made_by_id"], ["people.id"], name=op.f("fk_monthly_reports_made_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_reports")),
    )
    op.create_index("ix_monthly_reports_entity_id_month", "monthly_reports", ["entity_id", "month"])
    op.create_index(op.f("ix_monthly_reports_digest"), "monthly_reports", ["digest"])
    op.create_table(
        "monthly_report_revisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["monthly_reports.id"], name=op.f("fk_monthly_report_revisions_report_id_monthly_reports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_report_revisions")),
        sa.UniqueConstraint("report_id", "sequence", name=op.f("uq_monthly_report_revisions_report_id_sequence")),
    )
    op.create_index(op.f("ix_monthly_report_revisions_digest"), "monthly_report_revisions", ["digest"])
    for name in ("monthly_reports", "monthly_report_revisions"):
        hold(Held(name))
    with op.batch_alter_table("preservations") as table:
        table.add_column(sa.Column("report_id", _ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_preservations_report_id_monthly_reports"), "monthly_reports", ["report_id"], ["id"]
        )
        table.create_unique_constraint(op.f("uq_preservations_report_id"), ["report_id"])


def downgrade() -> None:
    op.execute("DELETE FROM preservations WHERE report_id IS NOT NULL")
    with op.batch_alter_table("preservations") as table:
        table.drop_constraint(op.f("uq_preservations_report_id"), type_="unique")
        table.drop_constraint(op.f("fk_preservations_report_id_monthly_reports"), type_="foreignkey")
        table.drop_column("report_id")
    op.drop_table("monthly_report_revisions")
    op.drop_table("monthly_reports")
