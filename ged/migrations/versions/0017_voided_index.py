"""an index of the voided numbers of a register: a closing reads them under the counter's lock

Revision ID: 0017
Revises: 0016
"""

from ged.migrations.tools import create_index, drop_index

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index(
        "mail_numbers", "register_id", "voided_at", name="ix_mail_numbers_voided", where="voided_at IS NOT NULL"
    )


def downgrade() -> None:
    drop_index("mail_numbers", name="ix_mail_numbers_voided")
