"""a correspondent has one folded name, whichever apostrophe was typed

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
oldest_program = "0026"

_MARKS = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u2032`\u00b4", "'"))


def upgrade() -> None:
    connection = op.get_bind()
    table = sa.table("correspondents", *map(sa.column, ("id", "entity_id", "folded_name")))
    marked = sa.or_(*(table.c.folded_name.contains(chr(mark)) for mark in _MARKS))
    for row in connection.execute(sa.select(table).where(marked).order_by(table.c.id)).all():
        folded = row.folded_name.translate(_MARKS)
        own = table.c.entity_id.is_(None) if row.entity_id is None else table.c.entity_id == row.entity_id
        there = sa.select(table.c.id).where(own, table.c.folded_name == folded)
        # A person decides on two entries with one name, and merges them.
        if connection.scalar(there.limit(1)) is None:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(folded_name=folded))


def downgrade() -> None:
    pass
