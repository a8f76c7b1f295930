"""correspondents belong to an entity

An existing correspondent goes to the entity that registered the first letter of that sender. It is shared when another
entity has letters of it too, or when no letter names it. A correspondent with confidential letters only, and with
nothing but a name, leaves the directory; its letters keep the name.

Revision ID: 0020
Revises: 0019
"""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

units = sa.table("units", sa.column("id"), sa.column("parent_id"), sa.column("is_entity"))
mails = sa.table("mails", sa.column("id"), sa.column("sender_id"), sa.column("unit_id"), sa.column("level"))
correspondents = sa.table(
    "correspondents",
    sa.column("id"),
    sa.column("entity_id"),
    sa.column("is_shared", sa.Boolean()),
    sa.column("folded_name"),
    sa.column("kind"),
    sa.column("address"),
    sa.column("email"),
    sa.column("phone"),
)


def upgrade() -> None:
    with op.batch_alter_table("correspondents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entity_id", _ID, nullable=True))
        batch_op.add_column(sa.Column("is_shared", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("email_changed_at", ged.db.UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("email_changed_by_id", _ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_correspondents_entity_id_units"), "units", ["entity_id"], ["id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_correspondents_email_changed_by_id_people"), "people", ["email_changed_by_id"], ["id"]
        )
        batch_op.drop_constraint(batch_op.f("uq_correspondents_folded_name"), type_="unique")
        batch_op.create_index(batch_op.f("ix_correspondents_entity_id"), ["entity_id"], unique=False)
        batch_op.create_index("ix_correspondents_folded_name", ["folded_name"], unique=False)
    _forget_confidential()
    _give_to_entities()
    with op.batch_alter_table("correspondents", schema=None) as batch_op:
        batch_op.create_unique_constraint(
            batch_op.f("uq_correspondents_entity_id_folded_name"), ["entity_id", "folded_name"]
        )
    op.create_index(
        "uq_correspondents_common_folded_name",
        "correspondents",
        ["folded_name"],
        unique=True,
        sqlite_where=sa.text("entity_id IS NULL"),
        postgresql_where=sa.text("entity_id IS NULL"),
    )


def _forget_confidential() -> None:
    named = sa.select(mails.c.sender_id).where(mails.c.sender_id.is_not(None))
    bare = sa.and_(*(correspondents.c[name] == "" for name in ("kind", "address", "email", "phone")))
    hidden = sa.select(correspondents.c.id).where(
        bare,
        correspondents.c.id.in_(named),
        correspondents.c.id.not_in(named.where(mails.c.level == 0)),
    )
    gone = list(op.get_bind().scalars(hidden))
    for start in range(0, len(gone), 500):
        some = gone[start : start + 500]
        op.execute(mails.update().where(mails.c.sender_id.in_(some)).values(sender_id=None))
        op.execute(correspondents.delete().where(correspondents.c.id.in_(some)))


def _give_to_entities() -> None:
    connection = op.get_bind()
    tree = {row.id: row for row in connection.execute(sa.select(units))}

    def entity(unit_id: int) -> int:
        while not tree[unit_id].is_entity and tree[unit_id].parent_id is not None:
            unit_id = tree[unit_id].parent_id
        return unit_id

    first = sa.func.min(mails.c.id).label("first")
    used = sa.select(mails.c.sender_id, mails.c.unit_id, first).where(
        mails.c.sender_id.is_not(None), mails.c.level == 0
    )
    users: dict[int, dict[int, int]] = defaultdict(dict)
    for row in connection.execute(used.group_by(mails.c.sender_id, mails.c.unit_id)):
        of = entity(row.unit_id)
        users[row.sender_id][of] = min(row.first, users[row.sender_id].get(of, row.first))
    for sender_id, entities in users.items():
        owner = min(entities, key=lambda one: entities[one])
        connection.execute(
            correspondents.update()
            .where(correspondents.c.id == sender_id)
            .values(entity_id=owner, is_shared=len(entities) > 1)
        )


def downgrade() -> None:
    connection = op.get_bind()
    # One directory again: of entries with one name the oldest stays, and the letters refer to it.
    kept: dict[str, int] = {}
    for row in connection.execute(sa.select(correspondents).order_by(correspondents.c.id)):
        first = kept.setdefault(row.folded_name, row.id)
        if first != row.id:
            connection.execute(mails.update().where(mails.c.sender_id == row.id).values(sender_id=first))
            connection.execute(correspondents.delete().where(correspondents.c.id == row.id))
    op.drop_index("uq_correspondents_common_folded_name", table_name="correspondents")
    with op.batch_alter_table("correspondents", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_correspondents_entity_id_folded_name"), type_="unique")
        batch_op.drop_index("ix_correspondents_folded_name")
        batch_op.drop_index(batch_op.f("ix_correspondents_entity_id"))
        batch_op.drop_constraint(batch_op.f("fk_correspondents_email_changed_by_id_people"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_correspondents_entity_id_units"), type_="foreignkey")
        batch_op.create_unique_constraint(batch_op.f("uq_correspondents_folded_name"), ["folded_name"])
        batch_op.drop_column("email_changed_by_id")
        batch_op.drop_column("email_changed_at")
        batch_op.drop_column("is_shared")
        batch_op.drop_column("entity_id")
