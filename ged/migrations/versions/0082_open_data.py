"""open data that was published by an act

Revision ID: 0082
Revises: 0081
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "open_data_acts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("ministry_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("act_reference", sa.String(length=200), nullable=False),
        sa.Column("act_on", sa.Date(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("published_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("published_by_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["ministry_id"], ["units.id"], name=op.f("fk_open_data_acts_ministry_id_units")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["people.id"], name=op.f("fk_open_data_acts_published_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_data_acts")),
        sa.UniqueConstraint("ministry_id", "number", name=op.f("uq_open_data_acts_ministry_id_number")),
    )
    op.create_index(op.f("ix_open_data_acts_digest"), "open_data_acts", ["digest"])
    hold(Held("open_data_acts"))


def downgrade() -> None:
    op.drop_table("open_data_acts")
