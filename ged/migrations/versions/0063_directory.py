"""signing in through a directory: links of accounts, break-glass accounts, sign-ins on their way, sessions of a provider, outages

Revision ID: 0063
Revises: 0062
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = ged.db.UtcDateTime()


def upgrade() -> None:
    op.create_table(
        "directory_links",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("bound_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        _of_person("directory_links"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_links")),
        sa.UniqueConstraint("provider", "subject", name=op.f("uq_directory_links_provider_subject")),
        sa.UniqueConstraint("person_id", "provider", name=op.f("uq_directory_links_person_id_provider")),
    )
    op.create_table(
        "break_glass_accounts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("named_by_id", _ID, nullable=False),
        sa.Column("named_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        _of_person("break_glass_accounts"),
        _of_person("break_glass_accounts", "named_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass_accounts")),
        sa.UniqueConstraint("person_id", name=op.f("uq_break_glass_accounts_person_id")),
    )
    op.create_table(
        "provider_requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("proves_session_id", _ID, nullable=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_requests")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_provider_requests_state_hash")),
    )
    op.create_index(op.f("ix_provider_requests_expires_at"), "provider_requests", ["expires_at"])
    op.create_table(
        "provider_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("provider_sid", sa.String(length=255), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("refresh_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("second_done", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        _of_person("provider_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_provider_sessions_token_hash")),
    )
    op.create_index(op.f("ix_provider_sessions_person_id"), "provider_sessions", ["person_id"])
    op.create_table(
        "directory_outages",
        sa.Column("id", _ID, nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("since_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_outages")),
        sa.UniqueConstraint("provider", name=op.f("uq_directory_outages_provider")),
    )


def _of_person(table: str, column: str = "person_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["people.id"], name=op.f(f"fk_{table}_{column}_people"))


def downgrade() -> None:
    for table in (
        "directory_outages", "provider_sessions", "provider_requests", "break_glass_accounts", "directory_links",
    ):  # fmt: skip
        op.drop_table(table)
