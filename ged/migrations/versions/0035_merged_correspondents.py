"""duplicates in the directory refer to the entry that replaces them; lines of departure to the entry of their name

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

import ged.db
from ged.register.correspondents import fold

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None
oldest_program = "0031"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_ONCE = 2_000

lines = sa.table("dispatch_lines", *map(sa.column, ("id", "mail_id", "name", "correspondent_id")))
mails = sa.table("mails", sa.column("id"), sa.column("unit_id"))
units = sa.table("units", sa.column("id"), sa.column("parent_id"), sa.column("is_entity"))
entries = sa.table("correspondents", *map(sa.column, ("id", "entity_id", "is_shared", "folded_name")))


def upgrade() -> None:
    with op.batch_alter_table("correspondents") as table:
        table.add_column(sa.Column("merged_into_id", _ID, nullable=True))
        table.add_column(sa.Column("merged_at", ged.db.UtcDateTime(), nullable=True))
        table.create_foreign_key(
            op.f("fk_correspondents_merged_into_id_correspondents"), "correspondents", ["merged_into_id"], ["id"]
        )
    with op.batch_alter_table("dispatch_lines") as table:
        table.add_column(sa.Column("correspondent_id", _ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_dispatch_lines_correspondent_id_correspondents"), "correspondents", ["correspondent_id"], ["id"]
        )
    _name_lines(op.get_bind())


def _name_lines(connection: sa.Connection) -> None:
    """Let each line refer to the entry of its name that its letter's entity sees, the entity's own entry first."""
    placed = {row.id: row for row in connection.execute(sa.select(units))}
    own: dict[tuple[int, str], int] = {}
    common: dict[str, int] = {}
    for row in connection.execute(sa.select(entries).order_by(entries.c.id.desc())):
        if row.entity_id is not None:
            own[row.entity_id, row.folded_name] = row.id
        if row.entity_id is None or row.is_shared:
            common[row.folded_name] = row.id
    last = 0
    while True:
        rows = connection.execute(
            sa.select(lines.c.id, lines.c.name, mails.c.unit_id)
            .join_from(lines, mails, mails.c.id == lines.c.mail_id)
            .where(lines.c.id > last)
            .order_by(lines.c.id)
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            name = fold(row.name)
            found = own.get((_entity_of(row.unit_id, placed), name), common.get(name))
            if found is not None:
                connection.execute(lines.update().where(lines.c.id == row.id).values(correspondent_id=found))


def _entity_of(unit_id: int, placed: dict[int, sa.Row[int, int | None, bool]]) -> int:
    while not placed[unit_id].is_entity and placed[unit_id].parent_id in placed:
        unit_id = placed[unit_id].parent_id
    return unit_id


def downgrade() -> None:
    with op.batch_alter_table("dispatch_lines") as table:
        table.drop_constraint(op.f("fk_dispatch_lines_correspondent_id_correspondents"), type_="foreignkey")
        table.drop_column("correspondent_id")
    with op.batch_alter_table("correspondents") as table:
        table.drop_constraint(op.f("fk_correspondents_merged_into_id_correspondents"), type_="foreignkey")
        table.drop_column("merged_at")
        table.drop_column("merged_into_id")
