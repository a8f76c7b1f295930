"""reserve books of registers, for the hours without the program: their lines, and the acts that void free ones

Revision ID: 0088
Revises: 0087
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.held import Held
from ged.migrations.tools import hold

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reserve_books",
        sa.Column("id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("code_key", sa.String(length=128), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("page_lines", sa.Integer(), nullable=False),
        sa.Column("made_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("made_by_id", _ID, nullable=True),
        sa.Column("request_token", sa.String(length=43), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_reserve_books_number")),
        sa.CheckConstraint("page_count > 0 AND page_lines > 0", name=op.f("ck_reserve_books_pages")),
        sa.ForeignKeyConstraint(["register_id"], ["registers.id"], name=op.f("fk_reserve_books_register_id_registers")),
        sa.ForeignKeyConstraint(["made_by_id"], ["people.id"], name=op.f("fk_reserve_books_made_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_books")),
        sa.UniqueConstraint("register_id", "year", "number", name=op.f("uq_reserve_books_register_id_year_number")),
        sa.UniqueConstraint("request_token", name=op.f("uq_reserve_books_request_token")),
    )
    op.create_index(op.f("ix_reserve_books_code"), "reserve_books", ["code"])
    op.create_index(op.f("ix_reserve_books_code_key"), "reserve_books", ["code_key"])
    op.create_table(
        "reserve_voids",
        sa.Column("id", _ID, nullable=False),
        sa.Column("book_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_reserve_voids_reason")),
        sa.ForeignKeyConstraint(["book_id"], ["reserve_books.id"], name=op.f("fk_reserve_voids_book_id_reserve_books")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_reserve_voids_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_voids")),
    )
    op.create_index(op.f("ix_reserve_voids_book_id"), "reserve_voids", ["book_id"])
    op.create_table(
        "reserve_lines",
        sa.Column("id", _ID, nullable=False),
        sa.Column("book_id", _ID, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=64), nullable=False),
        sa.Column("text_key", sa.String(length=128), nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("number_id", _ID, nullable=True),
        sa.Column("received_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("entered_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("entered_by_id", _ID, nullable=True),
        sa.Column("void_id", _ID, nullable=True),
        sa.CheckConstraint("mail_id IS NULL OR void_id IS NULL", name=op.f("ck_reserve_lines_used_or_void")),
        sa.CheckConstraint(
            "(mail_id IS NULL) = (number_id IS NULL) AND (mail_id IS NULL) = (received_at IS NULL) "
            "AND (mail_id IS NULL) = (entered_at IS NULL)",
            name=op.f("ck_reserve_lines_used_wholly"),
        ),
        sa.ForeignKeyConstraint(["book_id"], ["reserve_books.id"], name=op.f("fk_reserve_lines_book_id_reserve_books")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_reserve_lines_mail_id_mails")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["mail_numbers.id"], name=op.f("fk_reserve_lines_number_id_mail_numbers")
        ),
        sa.ForeignKeyConstraint(["entered_by_id"], ["people.id"], name=op.f("fk_reserve_lines_entered_by_id_people")),
        sa.ForeignKeyConstraint(["void_id"], ["reserve_voids.id"], name=op.f("fk_reserve_lines_void_id_reserve_voids")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_lines")),
        sa.UniqueConstraint("book_id", "line_no", name=op.f("uq_reserve_lines_book_id_line_no")),
        sa.UniqueConstraint("mail_id", name=op.f("uq_reserve_lines_mail_id")),
        sa.UniqueConstraint("number_id", name=op.f("uq_reserve_lines_number_id")),
    )
    op.create_index(op.f("ix_reserve_lines_text_key"), "reserve_lines", ["text_key"])
    op.create_index(op.f("ix_reserve_lines_void_id"), "reserve_lines", ["void_id"])
    for rows in (
        Held("reserve_books"),
        Held("reserve_voids"),
        Held(
            "reserve_lines",
            columns=("id", "book_id", "line_no", "text", "text_key"),
            unless_null=("void_id",),
            kept=("mail_id", "number_id", "received_at", "entered_at"),
        ),
    ):
        hold(rows)


def downgrade() -> None:
    for name in ("reserve_lines", "reserve_voids", "reserve_books"):
        op.drop_table(name)
