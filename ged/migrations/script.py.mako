"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

import sqlalchemy as sa
from alembic import op

import ged.db
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# "expand": adds what the program of the release before tolerates; runs while it works. "contract": removes, requires
# more, opens a new member of an enumeration (tests/migrations/members.toml); runs after that program has ended. See
# ged.schema and docs/dev/add.md.
phase = "expand"
# The oldest program that may run on these tables. expand: as the revision before. contract: its own number.
oldest_program = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
