"""tokens: the signed code on letters

Revision ID: 0008
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "token_keys",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("certificates_pem", sa.Text(), nullable=False),
        sa.Column("since", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_token_keys")),
    )
    op.create_table(
        "letter_tokens",
        sa.Column("mail_id", ID, nullable=False),
        sa.Column("unsigned_sha256", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("certificate_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_letter_tokens_certificate_id_certificates")
        ),
        sa.ForeignKeyConstraint(["key_id"], ["token_keys.key_id"], name=op.f("fk_letter_tokens_key_id_token_keys")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_letter_tokens_mail_id_mails")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_letter_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_letter_tokens_token_hash")),
    )


def downgrade() -> None:
    op.drop_table("letter_tokens")
    op.drop_table("token_keys")
