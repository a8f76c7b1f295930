"""changes of the organisation by dated acts, with what takes each back

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "organisation_acts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("sheets", sa.JSON(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("consequences", sa.JSON(), nullable=False),
        sa.Column("inverse", sa.JSON(), nullable=False),
        sa.Column("refusal", sa.JSON(), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("proposed_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("done_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("refused_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("undone_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_organisation_acts_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_acts")),
    )
    op.create_index(op.f("ix_organisation_acts_person_id"), "organisation_acts", ["person_id"])
    op.create_index("ix_organisation_acts_planned_on", "organisation_acts", ["planned_on"])
    op.create_table(
        "organisation_act_subjects",
        sa.Column("act_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"], ["organisation_acts.id"], name=op.f("fk_organisation_act_subjects_act_id_organisation_acts")
        ),
        sa.PrimaryKeyConstraint("act_id", "kind", "code", name=op.f("pk_organisation_act_subjects")),
    )
    op.create_index("ix_organisation_act_subjects_code", "organisation_act_subjects", ["kind", "code", "act_id"])


def downgrade() -> None:
    op.drop_table("organisation_act_subjects")
    op.drop_table("organisation_acts")
