"""indexes by which a disposal asks whether a living letter has a file too, made while people work

Revision ID: 0070
Revises: 0069
"""

from ged.migrations.tools import create_index, drop_index

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

TABLES = ("scan_batches", "mailbox_messages", "signature_checks", "takeover_scans")


def upgrade() -> None:
    for table in TABLES:
        create_index(table, "digest")


def downgrade() -> None:
    for table in reversed(TABLES):
        drop_index(table, "digest")
