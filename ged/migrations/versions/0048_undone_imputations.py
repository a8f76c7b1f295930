"""what stood before each imputation, and the imputations that were taken back

Revision ID: 0048
Revises: 0047
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("imputations", sa.Column("prior", sa.JSON(), nullable=True))
    op.create_table(
        "undone_imputations",
        sa.Column("imputation_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["imputation_id"], ["imputations.id"], name=op.f("fk_undone_imputations_imputation_id_imputations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_undone_imputations_person_id_people")),
        sa.PrimaryKeyConstraint("imputation_id", name=op.f("pk_undone_imputations")),
    )
    hold(Held("undone_imputations"))


def downgrade() -> None:
    op.drop_table("undone_imputations")
    op.drop_column("imputations", "prior")
