"""number key: the form in which a printed number and a typed one are equal

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The next revision fills it: this one locks the table only for a moment.
    op.add_column("mail_numbers", sa.Column("text_key", sa.String(length=128), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("mail_numbers", "text_key")
