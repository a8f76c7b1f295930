"""what becomes of a letter's files at the end of its time of keeping, and the letters whose files were destroyed

Revision ID: 0068
Revises: 0067
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("natures", "disposal_lines"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("final_act", sa.String(length=16), server_default="", nullable=False))
    op.create_table(
        "destroyed_letters",
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("slip_no", _ID, nullable=False),
        sa.Column("decided_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("done_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("files", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_destroyed_letters_mail_id_mails")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_destroyed_letters")),
    )


def downgrade() -> None:
    op.drop_table("destroyed_letters")
    for name in ("disposal_lines", "natures"):
        with op.batch_alter_table(name) as table:
            table.drop_column("final_act")
