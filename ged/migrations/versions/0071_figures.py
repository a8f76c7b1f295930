"""figures of the register: each letter as it is counted, the cells of days and months, delays

Revision ID: 0071
Revises: 0070
"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = ("unit_id", "register_id", "direction", "nature", "channel", "priority", "level")
DAYS = (
    "received_on", "numbered_on", "imputed_on", "assigned_on", "given_on", "answered_on", "closed_on", "voided_on", "begun_on", "signed_on",
    "dispatched_on", "opened_on", "ended_on", "fell_due_on",
)  # fmt: skip
DELAYS = ("to_imputation", "to_assignment", "to_answer", "to_signature", "to_dispatch")
COUNTED = (
    "received", "numbered", "imputed", "assigned", "answered", "closed", "returned", "voided", "signed", "dispatched", "opened",
    "ended", "fell_due", "relieved",
)  # fmt: skip
TABLES = (
    "figure_delays",
    "figure_cells",
    "figure_returns",
    "figure_letters",
    "figure_keys",
    "figure_days",
    "figure_state",
)


def upgrade() -> None:
    op.create_table(
        "figure_state",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("sequence", _ID, nullable=False),
        sa.Column("built_upto", _ID, nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("swept_upto", _ID, nullable=False),
        sa.Column("calendar", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_state")),
    )
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("worked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_figure_days")),
    )
    op.create_table(
        "figure_keys",
        sa.Column("id", _ID, nullable=False),
        sa.Column("unit_id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        *(
            sa.Column(name, sa.String(length=32), nullable=False)
            for name in ("direction", "nature", "channel", "priority")
        ),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_keys")),
        sa.UniqueConstraint(*KEY, name=op.f("uq_figure_keys_key")),
    )
    op.create_table(
        "figure_letters",
        sa.Column("mail_id", _ID, autoincrement=False, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        *(sa.Column(name, sa.Date(), nullable=True) for name in DAYS),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in DELAYS),
        _of_key("figure_letters"),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_figure_letters")),
    )
    op.create_index("ix_figure_letters_key_id", "figure_letters", ["key_id"])
    op.create_table(
        "figure_returns",
        sa.Column("mail_id", _ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", "day", name=op.f("pk_figure_returns")),
    )
    op.create_table(
        "figure_cells",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTED),
        _of_key("figure_cells"),
        sa.PrimaryKeyConstraint("grain", "day", "key_id", name=op.f("pk_figure_cells")),
    )
    op.create_index("ix_figure_cells_key_id", "figure_cells", ["key_id", "grain", "day"])
    op.create_table(
        "figure_delays",
        sa.Column("grain", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("at_least", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        _of_key("figure_delays"),
        sa.PrimaryKeyConstraint("grain", "day", "key_id", "stage", "at_least", name=op.f("pk_figure_delays")),
    )
    op.create_index("ix_figure_delays_key_id", "figure_delays", ["key_id", "grain", "day"])


def _of_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["key_id"], ["figure_keys.id"], name=op.f(f"fk_{table}_key_id_figure_keys"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
