"""number keys of the existing numbers, and their index

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from ged.migrations.tools import create_index, drop_index
from ged.register.numbering import number_key

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BATCH = 5000
_NEXT = sa.text("SELECT id, text FROM mail_numbers WHERE id > :last ORDER BY id LIMIT :batch")
_ONE = sa.text("UPDATE mail_numbers SET text_key = :key WHERE id = :id")
_MANY = sa.text(
    "UPDATE mail_numbers SET text_key = made.key FROM unnest(CAST(:ids AS bigint[]), CAST(:keys AS varchar[])) "
    "AS made (id, key) WHERE mail_numbers.id = made.id"
)


def upgrade() -> None:
    last = 0
    while rows := op.get_bind().execute(_NEXT, {"last": last, "batch": BATCH}).all():
        _fill([(row.id, number_key(row.text)) for row in rows])
        last = rows[-1].id
    create_index("mail_numbers", "text_key")


def _fill(keys: list[tuple[int, str]]) -> None:
    # The triggers that protect the table name its columns: this column is computed from another one.
    if op.get_context().dialect.name == "postgresql":
        op.get_bind().execute(_MANY, {"ids": [one for one, _ in keys], "keys": [key for _, key in keys]})
    else:
        op.get_bind().execute(_ONE, [{"id": one, "key": key} for one, key in keys])


def downgrade() -> None:
    drop_index("mail_numbers", "text_key")
