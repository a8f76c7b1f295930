"""reports of a month that are made by themselves; proofs of a report that are asked for on the site

Revision ID: 0077
Revises: 0074
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0077"
down_revision = "0074"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "monthly_wishes",
        sa.Column("entity_id", _ID, autoincrement=False, nullable=False),
        sa.Column("made_upto", sa.Date(), nullable=False),
        sa.Column("asked_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("asked_by_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["units.id"], name=op.f("fk_monthly_wishes_entity_id_units")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["people.id"], name=op.f("fk_monthly_wishes_asked_by_id_people")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_monthly_wishes")),
    )
    op.create_table(
        "monthly_proofs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("asked_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("asked_by_id", _ID, nullable=False),
        sa.Column("done_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["monthly_reports.id"], name=op.f("fk_monthly_proofs_report_id_monthly_reports")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["people.id"], name=op.f("fk_monthly_proofs_asked_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_proofs")),
    )
    op.create_index("ix_monthly_proofs_report_id", "monthly_proofs", ["report_id", "id"])


def downgrade() -> None:
    op.drop_table("monthly_proofs")
    op.drop_table("monthly_wishes")
