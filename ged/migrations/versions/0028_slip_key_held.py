"""existing numbers refer to existing slips

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
oldest_program = "0026"


def upgrade() -> None:
    # Reads all numbers while people go on writing. SQLite's were checked when the table was made again.
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE mail_numbers VALIDATE CONSTRAINT fk_mail_numbers_slip_id_slips")


def downgrade() -> None:
    pass
