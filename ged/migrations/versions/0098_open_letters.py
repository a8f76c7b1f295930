"""indexes of figures: open letters are counted without reading their rows, those that go round most are found first

Revision ID: 0098
Revises: 0097
"""

from ged.migrations.tools import create_index, drop_index

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

OPEN, ROUNDS = "ix_figure_letters_open", "ix_figure_rounds_times"


def upgrade() -> None:
    create_index("figure_letters", "opened_on", "fell_due_on", "key_id", name=OPEN, where="ended_on IS NULL")
    create_index("figure_rounds", "times", "last_on", "mail_id", name=ROUNDS)


def downgrade() -> None:
    drop_index("figure_rounds", name=ROUNDS)
    drop_index("figure_letters", name=OPEN)
