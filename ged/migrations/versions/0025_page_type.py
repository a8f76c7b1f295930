"""the file type of a page is the one found by inspection: a bridge may have stated another one

Revision ID: 0025
Revises: 0024
"""

from ged.held import Held
from ged.migrations.tools import hold

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
oldest_program = "0024"

CAME = ("id", "batch_id", "token", "digest", "size_bytes", "page_index", "received_at")


def upgrade() -> None:
    hold(Held("scan_pages", columns=CAME))


def downgrade() -> None:
    hold(Held("scan_pages", columns=(*CAME, "media_type")))
