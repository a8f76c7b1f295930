"""renewals: people whose keys wait for a new certificate, because a passphrase protects the authority

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("renewal_asked_at", ged.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.drop_column("renewal_asked_at")
