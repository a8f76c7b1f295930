"""an index of the slips that are being signed: a closing asks for them, among all slips of the archive

Revision ID: 0066
Revises: 0065
"""

from ged.migrations.tools import create_index, drop_index

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"


def upgrade() -> None:
    create_index("slips", "state", name="ix_slips_issuing", where="state = 'issuing'")


def downgrade() -> None:
    drop_index("slips", name="ix_slips_issuing")
