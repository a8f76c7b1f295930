"""reading a SECRET letter by exception and slips of disposal, proposed by one person and confirmed by a second

Revision ID: 0065
Revises: 0064
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = ged.db.UtcDateTime()


def upgrade() -> None:
    op.create_table(
        "letter_exceptions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("behind", sa.JSON(), nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("ended_by_id", _ID, nullable=True),
        sa.Column("asked_by_id", _ID, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("second_id", _ID, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("refused_at", _TIME, nullable=True),
        sa.Column("lapsed_at", _TIME, nullable=True),
        _refers("letter_exceptions", "mail_id", "mails"),
        *(
            _refers("letter_exceptions", f"{name}_id", "people")
            for name in ("person", "ended_by", "asked_by", "second")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_exceptions")),
    )
    for column in ("mail_id", "person_id", "until_on", "expires_at"):
        op.create_index(op.f(f"ix_letter_exceptions_{column}"), "letter_exceptions", [column])
    op.create_table(
        "exception_requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("ended_by_id", _ID, nullable=True),
        _refers("exception_requests", "mail_id", "mails"),
        *(_refers("exception_requests", f"{name}_id", "people") for name in ("person", "ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception_requests")),
    )
    for column in ("mail_id", "person_id", "asked_at"):
        op.create_index(op.f(f"ix_exception_requests_{column}"), "exception_requests", [column])
    op.create_table(
        "disposals",
        sa.Column("id", _ID, nullable=False),
        sa.Column("unit_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("behind", sa.JSON(), nullable=False),
        sa.Column("asked_by_id", _ID, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("second_id", _ID, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("refused_at", _TIME, nullable=True),
        sa.Column("lapsed_at", _TIME, nullable=True),
        _refers("disposals", "unit_id", "units"),
        *(_refers("disposals", f"{name}_id", "people") for name in ("asked_by", "second")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposals")),
    )
    for column in ("unit_id", "expires_at"):
        op.create_index(op.f(f"ix_disposals_{column}"), "disposals", [column])
    op.create_table(
        "disposal_lines",
        sa.Column("disposal_id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        _refers("disposal_lines", "disposal_id", "disposals"),
        _refers("disposal_lines", "mail_id", "mails"),
        sa.PrimaryKeyConstraint("disposal_id", "mail_id", name=op.f("pk_disposal_lines")),
    )
    op.create_index(op.f("ix_disposal_lines_mail_id"), "disposal_lines", ["mail_id"])
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("excepted_until", sa.Date(), nullable=True))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def downgrade() -> None:
    # An earlier program knows no such right, and would never take it back.
    op.execute("DELETE FROM mail_access WHERE because = 'shared' AND principal LIKE 'x%'")
    with op.batch_alter_table("people") as table:
        table.drop_column("excepted_until")
    op.drop_table("disposal_lines")
    op.drop_table("disposals")
    op.drop_table("exception_requests")
    op.drop_table("letter_exceptions")
