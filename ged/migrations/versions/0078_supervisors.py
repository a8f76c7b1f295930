"""supervisors: who sees the figures of a branch of the tree, by which act, from when to when

Revision ID: 0078
Revises: 0077
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "supervisors",
        sa.Column("id", _ID, nullable=False),
        sa.Column("unit_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("post_id", _ID, nullable=True),
        sa.Column("act", sa.String(length=200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("given_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("ended_act", sa.String(length=200), nullable=False),
        sa.CheckConstraint("(person_id IS NULL) <> (post_id IS NULL)", name=op.f("ck_supervisors_one_of_two")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_supervisors_unit_id_units")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_supervisors_person_id_people")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_supervisors_post_id_posts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisors")),
    )
    for column in ("unit_id", "person_id", "post_id"):
        op.create_index(op.f(f"ix_supervisors_{column}"), "supervisors", [column])


def downgrade() -> None:
    op.drop_table("supervisors")
