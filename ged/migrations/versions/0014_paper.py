"""paper: codes that a person confirms, all proofs of a line of dispatch, who brought a file

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_PROOFS = """
WITH RECURSIVE kept(line_id, attachment_id) AS (
    SELECT id, discharge_attachment_id FROM dispatch_lines WHERE discharge_attachment_id IS NOT NULL
    UNION
    SELECT kept.line_id, a.replaces_id FROM kept JOIN attachments a ON a.id = kept.attachment_id
    WHERE a.replaces_id IS NOT NULL
)
INSERT INTO dispatch_proofs (attachment_id, line_id) SELECT attachment_id, line_id FROM kept
"""
"""Restore a discharge that an earlier release replaced, beside the one that replaced it."""

_WAITING = """
INSERT INTO paper_codes (scan_id, kind, subject_id, unit_id, bridge_id, reason, state, met_at, refusal)
SELECT s.id, s.proof_kind, s.proof_subject_id, s.unit_id, b.bridge_id, 'needs_person', 'waiting', s.created_at, ''
FROM scans s JOIN scan_batches b ON b.id = s.batch_id
WHERE s.note = 'proof' AND s.proof_kind <> '' AND s.proof_subject_id IS NOT NULL
  AND s.state IN ('waiting', 'discarded') ORDER BY s.id
"""
"""Scans waited when their code came too early or twice. From now on a person can confirm them."""


def upgrade() -> None:
    with op.batch_alter_table("scan_batches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("uploaded_by_id", _ID, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_scan_batches_uploaded_by_id_people"), "people", ["uploaded_by_id"], ["id"]
        )
    op.create_table(
        "dispatch_proofs",
        sa.Column("attachment_id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_dispatch_proofs_attachment_id_attachments")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["dispatch_lines.id"], name=op.f("fk_dispatch_proofs_line_id_dispatch_lines")
        ),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_dispatch_proofs")),
    )
    with op.batch_alter_table("dispatch_proofs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispatch_proofs_line_id"), ["line_id"], unique=False)
    op.create_table(
        "paper_codes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scan_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", _ID, nullable=False),
        sa.Column("unit_id", _ID, nullable=False),
        sa.Column("uploaded_by_id", _ID, nullable=True),
        sa.Column("bridge_id", _ID, nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("met_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("decided_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", _ID, nullable=True),
        sa.Column("decided_post_id", _ID, nullable=True),
        sa.Column("refusal", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["bridge_id"], ["bridges.id"], name=op.f("fk_paper_codes_bridge_id_bridges")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["people.id"], name=op.f("fk_paper_codes_decided_by_id_people")),
        sa.ForeignKeyConstraint(["decided_post_id"], ["posts.id"], name=op.f("fk_paper_codes_decided_post_id_posts")),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_paper_codes_scan_id_scans")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_paper_codes_unit_id_units")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["people.id"], name=op.f("fk_paper_codes_uploaded_by_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_codes")),
        sa.UniqueConstraint("scan_id", name=op.f("uq_paper_codes_scan_id")),
    )
    op.create_index("ix_paper_codes_state_kind_subject_id", "paper_codes", ["state", "kind", "subject_id"])
    op.execute(_PROOFS)
    op.execute(_WAITING)
    op.execute("UPDATE scans SET note = 'code_waits' WHERE id IN (SELECT scan_id FROM paper_codes)")


def downgrade() -> None:
    op.execute("UPDATE scans SET note = 'proof' WHERE note = 'code_waits'")
    op.execute("UPDATE scans SET note = '' WHERE note IN ('code_refused', 'code_elsewhere')")
    op.drop_index("ix_paper_codes_state_kind_subject_id", table_name="paper_codes")
    op.drop_table("paper_codes")
    with op.batch_alter_table("dispatch_proofs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispatch_proofs_line_id"))
    op.drop_table("dispatch_proofs")
    with op.batch_alter_table("scan_batches", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_scan_batches_uploaded_by_id_people"), type_="foreignkey")
        batch_op.drop_column("uploaded_by_id")
