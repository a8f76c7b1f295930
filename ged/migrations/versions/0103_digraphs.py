"""a correspondent has one folded name, whether its digraphs were typed as one sign or as two letters

The program of the release before looks for a name with such a sign under the sign and finds no entry any more: until it
has ended, it may add a second one, which a person merges.

Revision ID: 0103
Revises: 0102
"""

import sqlalchemy as sa
from alembic import op

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae"})
_LONGEST = 200


def upgrade() -> None:
    connection = op.get_bind()
    table = sa.table("correspondents", *map(sa.column, ("id", "entity_id", "folded_name")))
    marked = sa.or_(*(table.c.folded_name.contains(chr(sign)) for sign in _LETTERS))
    for row in connection.execute(sa.select(table).where(marked).order_by(table.c.id)).all():
        folded = row.folded_name.translate(_LETTERS)
        own = table.c.entity_id.is_(None) if row.entity_id is None else table.c.entity_id == row.entity_id
        there = sa.select(table.c.id).where(own, table.c.folded_name == folded)
        # A person decides on two entries with one name, and merges them.
        if len(folded) <= _LONGEST and connection.scalar(there.limit(1)) is None:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(folded_name=folded))


def downgrade() -> None:
    """The program before finds a name that is typed with two letters; with one sign it adds an entry, as it did."""
