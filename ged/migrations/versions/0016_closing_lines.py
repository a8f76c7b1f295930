"""the voids and corrections that a closing lists

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from ged.held import Held
from ged.migrations.tools import hold

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_VOIDS = sa.text("rectification_id IS NULL")


def upgrade() -> None:
    # Earlier closings keep "false": the clock alone determined their lines.
    op.add_column("register_closings", sa.Column("lines_kept", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "closing_lines",
        sa.Column("id", _ID, nullable=False),
        sa.Column("closing_id", _ID, nullable=False),
        sa.Column("number_id", _ID, nullable=False),
        sa.Column("rectification_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["register_closings.id"], name=op.f("fk_closing_lines_closing_id_register_closings")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["mail_numbers.id"], name=op.f("fk_closing_lines_number_id_mail_numbers")
        ),
        sa.ForeignKeyConstraint(
            ["rectification_id"],
            ["rectifications.id"],
            name=op.f("fk_closing_lines_rectification_id_rectifications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing_lines")),
        sa.UniqueConstraint("rectification_id", "number_id", name=op.f("uq_closing_lines_rectification_id_number_id")),
    )
    op.create_index(op.f("ix_closing_lines_closing_id"), "closing_lines", ["closing_id"])
    op.create_index(
        "ux_closing_lines_void", "closing_lines", ["number_id"], unique=True,
        sqlite_where=_VOIDS, postgresql_where=_VOIDS,
    )  # fmt: skip
    hold(Held("closing_lines"))


def downgrade() -> None:
    op.drop_table("closing_lines")
    op.drop_column("register_closings", "lines_kept")
