"""indexes by which slips, their faults and scans of a period are counted

Revision ID: 0079
Revises: 0078
"""

from ged.migrations.tools import create_index, drop_index

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

SENT, RECEIVED = "ix_slips_sent_at", "ix_slips_received_at"
FAULTS = "ix_slip_lines_faults"
SCANS = "ix_scans_created_at"
PAGES = "ix_scan_pages_received_at"


def upgrade() -> None:
    create_index("slips", "sent_at", "kind", "state", "sender_unit_id", name=SENT)
    create_index(
        "slips", "received_at", "kind", "state", "receiver_unit_id", "sender_unit_id", "sent_at", name=RECEIVED
    )
    create_index("slip_lines", "slip_id", name=FAULTS, where="state IN ('missing', 'damaged')")
    create_index("scan_pages", "received_at", "batch_id", name=PAGES)
    create_index("scans", "created_at", "batch_id", name=SCANS)


def downgrade() -> None:
    drop_index("scans", name=SCANS)
    drop_index("scan_pages", name=PAGES)
    drop_index("slip_lines", name=FAULTS)
    drop_index("slips", name=RECEIVED)
    drop_index("slips", name=SENT)
