"""circuit: stages, opinions, return to an earlier visa, delegations with limits, absences, annotations

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NEW_ACTS = ["opinion", "send_back", "take_back", "circuit"]
"""Acts of the history that the earlier revision cannot read. The journal keeps them."""

ENTRIES = sa.table("circuit_entries", sa.column("act", sa.String))


def upgrade() -> None:
    with op.batch_alter_table("circuit_steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stage", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("kind", sa.String(length=32), nullable=True))
    # Until now each visa waited for the visa before it.
    op.execute("UPDATE circuit_steps SET stage = position, kind = 'visa'")
    with op.batch_alter_table("circuit_steps", schema=None) as batch_op:
        batch_op.alter_column("stage", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("kind", existing_type=sa.String(length=32), nullable=False)
    with op.batch_alter_table("circuit_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stance", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("to_post_id", ID, nullable=True))
        batch_op.add_column(sa.Column("to_post_title", sa.String(length=200), server_default="", nullable=False))
        batch_op.create_foreign_key(batch_op.f("fk_circuit_entries_to_post_id_posts"), "posts", ["to_post_id"], ["id"])
    with op.batch_alter_table("draft_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("amount_xof", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("template_codes", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("max_amount_xof", sa.BigInteger(), nullable=True))
    op.create_table(
        "absences",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("delegation_id", ID, nullable=True),
        sa.Column("declared_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delegation_id"], ["delegations.id"], name=op.f("fk_absences_delegation_id_delegations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_absences_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absences_person_id"), ["person_id"], unique=False)
    op.create_table(
        "draft_annotations",
        sa.Column("id", ID, nullable=False),
        sa.Column("mail_id", ID, nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("page_no", sa.Integer(), nullable=False),
        sa.Column("x_permille", sa.Integer(), nullable=True),
        sa.Column("y_permille", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("person_name", sa.String(length=200), nullable=False),
        sa.Column("post_title", sa.String(length=200), nullable=False),
        sa.Column("at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_name", sa.String(length=200), nullable=False),
        sa.Column("answered_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("resolved_at", ged.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["mail_id"], ["drafts.mail_id"], name=op.f("fk_draft_annotations_mail_id_drafts")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_draft_annotations_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_annotations")),
    )
    with op.batch_alter_table("draft_annotations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_draft_annotations_mail_id"), ["mail_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("draft_annotations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_draft_annotations_mail_id"))
    op.drop_table("draft_annotations")
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_absences_person_id"))
    op.drop_table("absences")
    # A delegation with limits must not become one without: it loses the right to sign.
    op.execute(
        "UPDATE delegations SET may_sign = false"
        " WHERE kind = 'order' OR max_amount_xof IS NOT NULL OR CAST(template_codes AS VARCHAR) <> '[]'"
    )
    op.execute("UPDATE delegations SET kind = 'delegation' WHERE kind = 'order'")
    with op.batch_alter_table("delegations", schema=None) as batch_op:
        batch_op.drop_column("max_amount_xof")
        batch_op.drop_column("template_codes")
    with op.batch_alter_table("draft_versions", schema=None) as batch_op:
        batch_op.drop_column("amount_xof")
    # A requested opinion is no visa: it no longer waits.
    op.execute("DELETE FROM circuit_steps WHERE kind <> 'visa'")
    op.execute(ENTRIES.delete().where(ENTRIES.c.act.in_(NEW_ACTS)))
    op.execute("DELETE FROM signbook_notices WHERE kind IN ('sent_back', 'annotated', 'note_answered')")
    with op.batch_alter_table("circuit_entries", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_circuit_entries_to_post_id_posts"), type_="foreignkey")
        batch_op.drop_column("to_post_title")
        batch_op.drop_column("to_post_id")
        batch_op.drop_column("stance")
    with op.batch_alter_table("circuit_steps", schema=None) as batch_op:
        batch_op.drop_column("kind")
        batch_op.drop_column("stage")
