"""indexes that give lists of a large archive in their order: letters of a correspondent, slips of a unit, its delivery book, its loans

Revision ID: 0058
Revises: 0057
"""

from ged.migrations.tools import create_index, drop_index

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

ON_LOAN = "purpose = 'on_loan'"
REPLACED = (("mails", "sender_id"), ("dispatch_lines", "correspondent_id"), ("slips", "handed_at"))
"""Indexes whose columns a new one begins with, or, for the delivery book, whose unit it names too."""


def upgrade() -> None:
    create_index("mails", "sender_id", "id")
    create_index("dispatch_lines", "correspondent_id", "mail_id")
    create_index("slips", "sender_unit_id", "id")
    create_index("slips", "receiver_unit_id", "id")
    create_index("slips", "sender_unit_id", "handed_at")
    create_index("slips", "sender_unit_id", "return_by", name="ix_slips_on_loan", where=ON_LOAN)
    for table, column in REPLACED:
        drop_index(table, column)


def downgrade() -> None:
    for table, column in REPLACED:
        create_index(table, column)
    drop_index("slips", name="ix_slips_on_loan")
    drop_index("slips", "sender_unit_id", "handed_at")
    drop_index("slips", "receiver_unit_id", "id")
    drop_index("slips", "sender_unit_id", "id")
    drop_index("dispatch_lines", "correspondent_id", "mail_id")
    drop_index("mails", "sender_id", "id")
